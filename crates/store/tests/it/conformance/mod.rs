//! What every backend must do. A backend names one function that makes an empty place for a store; every test of
//! [`suite!`] runs on it unchanged.

mod world;

pub(crate) mod append;
pub(crate) mod claim;
pub(crate) mod command;
pub(crate) mod finish;
pub(crate) mod start;

pub(crate) use world::{Attempt, Place, World, approval, numbers, scope_of, start, text};

/// Lists every test.
macro_rules! suite {
    ($place:path) => {
        crate::conformance::tests! { $place, start:
            a_free_thread_starts_at_once
            a_busy_thread_refuses_and_names_its_run
            a_parked_and_a_held_run_are_current_too
            enqueued_runs_follow_one_another_in_order
            steer_goes_to_the_current_run_or_starts
            steer_is_refused_where_no_input_is_heard
            supersede_ends_a_queued_run_and_takes_its_place
            supersede_tells_a_held_run_and_waits_first_in_line
            superseding_what_is_not_current_names_what_is
            superseding_the_last_run_of_a_free_thread_starts
            load_of_a_thousand_rejecting_starts_one_wins
            load_a_thousand_enqueued_starts_run_one_after_another
            load_of_a_thousand_superseding_starts_none_is_lost
            a_repeated_key_gives_the_same_run
            a_repeated_key_steers_once
            a_key_with_another_body_is_refused_and_other_users_have_their_own
            the_same_run_id_is_the_same_start
            a_full_queue_refuses_also_within_one_commit
            a_thread_of_somebody_else_is_unknown
            the_next_in_line_is_current_in_the_same_transaction
        }
        crate::conformance::tests! { $place, command:
            a_stop_ends_what_nobody_performs
            a_stop_of_a_held_run_is_heard_by_its_worker
            a_stop_in_line_leaves_the_line
            a_stop_of_an_ended_run_says_so_and_writes_nothing
            inputs_are_accepted_listed_and_taken_back
            the_first_of_two_answers_wins
            an_answer_races_a_park_and_is_never_lost
            an_answer_after_reopening_makes_the_run_due
            unknown_and_foreign_runs_answer_alike
            a_result_is_applied_once
        }
        crate::conformance::tests! { $place, claim:
            runs_are_claimed_oldest_first_and_at_most_so_many
            an_agent_has_its_places_per_tenant
            a_full_agent_does_not_hide_others
            a_run_that_is_due_later_is_claimed_later
            a_retry_is_not_passed_over_for_ever
            a_dead_or_unknown_worker_gets_nothing
            a_place_is_free_again_after_every_kind_of_end
            load_workers_at_once_never_share_a_run
        }
        crate::conformance::tests! { $place, append:
            numbers_have_no_gaps
            a_repeated_append_answers_the_first_also_after_reopening
            an_older_append_number_is_refused
            an_old_fence_fails_alone
            a_too_large_event_leaves_no_trace
            an_unfit_event_leaves_no_trace
            an_event_of_a_mebibyte_fits
            events_of_one_commit_are_in_the_log_in_order
        }
        crate::conformance::tests! { $place, finish:
            the_end_closes_what_is_open
            there_is_one_final_event_and_nothing_after_it
            a_follow_up_refuses_the_end
            the_output_is_kept_with_the_run
            a_handed_over_run_goes_on_under_a_new_fence
        }
    };
}
pub(crate) use suite;

/// One module of tests on one backend.
macro_rules! tests {
    ($place:path, $topic:ident: $($name:ident)*) => {
        mod $topic {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::conformance::$topic::$name($place()).await;
                }
            )*
        }
    };
}
pub(crate) use tests;
