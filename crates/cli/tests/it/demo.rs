//! The demo is its own test.

use crate::house::House;

#[test]
fn the_demo_loses_nothing() {
    let house = House::new();
    let text = house.well(&["demo"]);
    assert!(
        text.ends_with("OK\n") || text.contains("OK\n\nThe same"),
        "{text}"
    );
    assert!(!text.contains('✗'), "{text}");
}
