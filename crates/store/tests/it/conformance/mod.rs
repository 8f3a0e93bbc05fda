//! What every backend must do. A backend names one function that makes an empty place for a store; every test of
//! [`suite!`] runs on it unchanged.

mod world;

pub(crate) mod access;
pub(crate) mod append;
pub(crate) mod claim;
pub(crate) mod command;
pub(crate) mod delete;
pub(crate) mod event;
pub(crate) mod family;
pub(crate) mod finish;
pub(crate) mod follow;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod lease;
pub(crate) mod secret;
pub(crate) mod segment;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod sweep;
pub(crate) mod thread;
pub(crate) mod worktree;

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
            a_repeat_is_known_after_others_wrote_and_the_store_was_reopened
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
        crate::conformance::tests! { $place, lease:
            an_expired_lease_that_was_not_settled_can_be_renewed
            a_settled_lease_is_gone
            an_outcome_is_written_after_the_lease_as_long_as_the_fence_holds
            leases_of_an_earlier_boot_are_void
            a_new_lease_is_told_to_whoever_sweeps
            a_released_worker_leaves_its_runs_to_the_next_sweep
        }
        crate::conformance::tests! { $place, sweep:
            a_lost_attempt_goes_on_at_once_the_second_later
            attempts_lost_without_progress_end_the_run
            an_agent_that_does_not_go_on_is_interrupted
            requests_expire_and_parked_runs_go_on
            a_deadline_gives_a_worker_time_and_then_ends_the_run
            a_deadline_also_ends_a_queued_run
            a_stop_that_hangs_is_ended_from_outside
            due_runs_that_nobody_claims_do_not_fill_the_sweep
            load_a_sweep_says_that_there_is_more
            the_next_sweep_is_known_also_behind_what_this_one_did
        }
        crate::conformance::tests! { $place, follow:
            load_every_follower_sees_the_log_as_it_is
            a_cursor_that_the_log_cannot_have_given_is_an_error
            a_follower_begins_in_the_middle
            a_follower_of_an_ended_run_ends
            an_idle_run_wakes_its_followers
            dropping_a_waiting_future_loses_nothing
            a_follower_ends_only_behind_the_final_event
            a_closed_store_ends_its_followers
            a_watch_counts_followers_and_wakes
        }
        crate::conformance::tests! { $place, event:
            pages_go_on_where_the_last_one_ended
            an_empty_page_is_not_final_while_the_run_is_open
            a_page_is_bounded_in_bytes
        }
        crate::conformance::tests! { $place, snapshot:
            it_equals_the_fold_of_the_log_at_any_time
            a_long_log_is_read_from_a_checkpoint
        }
        crate::conformance::tests! { $place, thread:
            it_is_made_read_changed_and_deleted
            an_id_is_unique_in_its_tenant
            a_parent_must_be_visible
            a_user_sees_only_their_own
            filters_find_what_they_name
            pages_neither_double_nor_lose_what_did_not_change
            runs_are_listed_by_thread_agent_status_and_page
            the_run_of_a_thread_is_its_current_or_its_latest
            a_thread_with_an_open_run_is_not_deleted
            changes_are_hinted_to_the_right_people
        }
        crate::conformance::tests! { $place, access:
            a_key_opens_until_it_is_revoked
            names_of_keys_are_unique_per_tenant
            a_token_opens_until_it_ends
            a_token_ends_with_the_key_that_made_it
            a_blob_is_kept_by_its_content_per_tenant
            a_blob_goes_with_the_last_run_that_has_it
        }
        crate::conformance::tests! { $place, history:
            finished_runs_come_back_the_last_one_first
            the_order_is_that_of_the_ends
            a_run_that_ends_meanwhile_is_never_before_itself
            runs_whose_log_is_gone_are_left_out
            what_was_done_again_is_left_out_once_it_was
            the_history_of_somebody_else_is_unknown
        }
        crate::conformance::tests! { $place, family:
            the_end_of_a_child_ends_the_call_above_and_makes_it_due
            a_child_that_ends_while_the_run_above_works_is_heard
            a_call_that_another_run_performs_is_nobody_elses_to_end
            a_child_of_a_run_that_ends_does_not_start
            a_repeated_start_of_a_child_is_the_same_run
            a_stop_reaches_all_that_is_below
            the_end_of_a_run_stops_all_that_is_below
            a_lost_run_is_due_though_its_child_works
            a_child_outlives_the_deletion_of_who_started_it
            a_child_belongs_to_who_owns_the_run_above
            what_is_allowed_for_a_thread_stays_with_it
        }
        crate::conformance::tests! { $place, secret:
            a_secret_is_kept_replaced_and_erased_per_tenant
            a_tenant_has_at_most_so_many_secrets
            credentials_stay_with_a_run_until_its_end
            credentials_go_with_every_kind_of_end
            a_repeated_start_keeps_the_first_credentials
        }
        crate::conformance::tests! { $place, segment:
            a_start_under_a_name_that_was_used_is_the_same_run
            a_name_keeps_its_meaning_and_goes_with_its_run
        }
        crate::conformance::tests! { $place, delete:
            an_open_run_is_not_deleted
            a_deleted_run_is_gone_with_its_log
            what_follows_a_deleted_run_is_not_confused_with_it
            an_old_log_expires_and_its_run_stays
            a_log_does_not_expire_while_it_is_followed
        }
        crate::conformance::tests! { $place, worktree:
            a_removed_worktree_is_remembered
            a_run_whose_worktree_is_in_use_is_not_deleted
            a_command_on_a_worktree_is_not_the_run_of_its_thread
            known_runs_are_told_from_unknown_ones
        }
        crate::conformance::tests! { $place, health:
            counts_agree_with_what_there_is
            a_closed_store_says_so
            load_close_answers_everything_that_was_asked
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
