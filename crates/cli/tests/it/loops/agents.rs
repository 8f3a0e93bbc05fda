//! Runs of other agents below a loop.

use serde_json::{Value, json};

use super::loops;
use crate::house::eventually;
use crate::model::{Answer, Model, results};
use crate::watched::Watched;

#[test]
fn a_run_waits_for_the_one_below_it_over_a_restart() {
    let gate = tempfile::tempdir().expect("a directory");
    let opened = gate.path().join("open");
    let is_open = opened.clone();
    let model = Model::thinking(move |request: &Value| {
        if request.get("tools").is_none() {
            return if is_open.exists() {
                Answer::text("Snow,\nsnow.")
            } else {
                Answer::hanging("Sn")
            };
        }
        match &results(request)[..] {
            [] => Answer::call("I ask the poet. ", "poet", json!({"input": "winter"})),
            [.., (_, poem)] => Answer::text(&format!("It reads: {poem}")),
        }
    });
    let poet =
        "[agents.poet]\ndriver = \"model\"\nmodel = \"stub/small\"\ndescription = \"Writes poems\"";
    let house = loops(&model, poet, "agents = [\"poet\"]");
    let server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    let below = watched.until("tool.running")["data"]["run"].clone();
    let below = below.as_str().expect("a run");
    house.until(below, "running");
    // The newest run is the poet's; a person means the one that a person started.
    let shown = eventually(|| {
        let shown = house.well(&["show", "last"]);
        shown.contains("status    waiting").then_some(shown)
    });
    assert!(shown.contains(&watched.run), "{shown}");
    let link = format!("… poet winter\n↳ outlive show {below}\n");
    assert!(shown.contains(&link), "{shown}");
    let shown = house.well(&["show", below]);
    assert!(
        shown.contains(&format!("below     {} (call c1)", watched.run)),
        "{shown}"
    );

    server.kill();
    std::fs::write(&opened, "").expect("a file");
    let _server = house.serve();
    let end = watched.end();
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    let shown = house.well(&["show", "last"]);
    let done =
        format!("✓ poet winter\n│ Snow, snow.\n↳ outlive show {below}\nIt reads: Snow,\nsnow.\n");
    assert!(shown.ends_with(&done), "{shown}");
}
