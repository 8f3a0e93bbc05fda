//! Conversations with real agents, played to their codecs.

use super::played::check;
use crate::codec::{Approval, Settings, Wire};

/// Plays a recording and compares all that its codec made of it.
macro_rules! played {
    ($($name:ident: $wire:ident $approval:ident $nonce:literal $resume:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let recording = include_str!(concat!("fixtures/", stringify!($name), ".txt"));
                let resume: Option<&str> = $resume;
                let settings = Settings {
                    approval: Approval::$approval,
                    resume: resume.map(str::to_owned),
                    nonce: $nonce,
                    version: "0.0.0".to_owned(),
                    ..Settings::new("/srv/game")
                };
                let log = check(Wire::$wire, &settings, recording);
                insta::with_settings!({ snapshot_path => "fixtures", prepend_module_to_snapshot => false }, {
                    insta::assert_snapshot!(stringify!($name), log);
                });
            }
        )*
    };
}
played! {
    an_acp_agent_asks_and_hears_a_yes_and_a_no: Acp Ask 1 None;
    an_acp_agent_says_that_a_session_is_gone: Acp Full 1 Some("01234567-89ab-4def-8123-456789abcdef");
    an_acp_agent_goes_on_in_a_reopened_session: Acp Full 1 Some("9e8a2626-03eb-4610-9cfa-16592b773d01");
    an_acp_agent_is_steered_and_interrupted: Acp Full 1 None;
    claude_asks_and_hears_a_yes_and_a_no: Claude Ask 1 None;
    claude_fails_and_tries_again: Claude Full 1 None;
    claude_says_that_a_session_is_gone: Claude Full 1 Some("01234567-89ab-4def-8123-456789abcdef");
    claude_starts_a_task_and_proposes_a_plan: Claude Ask 1 None;
    claude_goes_on_in_a_reopened_session: Claude Full 2 Some("2238bcc3-6e0e-4a04-8490-2cfb18d23b04");
    claude_is_steered_and_interrupted: Claude Full 1 None;
    claude_thinks_speaks_and_runs_a_tool: Claude Full 1 None;
    codex_asks_and_hears_a_yes_and_a_no: Codex Ask 1 None;
    codex_fails_and_tries_again: Codex Full 1 None;
    codex_says_that_a_session_is_gone: Codex Full 1 Some("01234567-89ab-7def-8123-456789abcdef");
    codex_goes_on_in_a_reopened_session: Codex Full 1 Some("01a20d4b-c31c-76a0-ad96-277f2852f3d1");
    codex_is_steered_and_interrupted: Codex Full 1 None;
    codex_thinks_speaks_and_runs_a_tool: Codex Full 1 None;
    an_older_pi_fails_and_tries_again: Pi Full 1 None;
    an_older_pi_is_steered_and_interrupted: Pi Full 1 None;
    pi_fails_and_tries_again: Pi Full 1 None;
    pi_says_that_a_session_is_gone: Pi Full 1 Some("/home/ann/.pi/sessions/none.jsonl");
    pi_goes_on_in_a_reopened_session: Pi Full 1 Some("/home/ann/.pi/sessions/--srv-game--/2026-11-24T11-23-32-291Z_01a20d4b-f843-716b-95aa-be190b6edac1.jsonl");
    pi_is_steered_and_interrupted: Pi Full 1 None;
    pi_thinks_speaks_and_runs_a_tool: Pi Full 1 None;
    an_acp_agent_is_interrupted_while_it_asks: Acp Ask 1 None;
    claude_is_interrupted_while_it_asks: Claude Ask 7 None;
    codex_is_interrupted_while_it_asks: Codex Ask 1 None;
}
