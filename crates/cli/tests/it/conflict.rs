//! Two runs on one thread.

use crate::house::House;

#[test]
fn a_busy_thread_is_a_conflict_that_can_be_settled() {
    let house = House::new();
    let _server = house.serve();
    let start = |more: &[&str]| {
        let mut args = vec!["run", "-d", "-a", "stuck", "-t", "t1", "x"];
        args.extend(more);
        house.well(&args).trim().to_owned()
    };
    let first = start(&[]);
    house.until(&first, "running");
    let reject = ["run", "-a", "stuck", "-t", "t1", "x"];
    house.ends(&reject, 6, &format!("outlive attach {first}"));
    let second = start(&["--on-conflict", "enqueue"]);
    assert_eq!(house.run_body(&second)["status"], "queued");
    let third = start(&["--on-conflict", "supersede"]);
    assert_eq!(house.until(&first, "aborted")["reason"], "superseded");
    house.until(&third, "running");
    assert_eq!(start(&["--on-conflict", "steer"]), third);
    let shown = house.well(&["show", &third, "--json"]);
    assert!(shown.contains("\"steer\""), "{shown}");
}
