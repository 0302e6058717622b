"""What was promised of the review screen, and the tests that hold it.

Thirty-four things that a browser or a command can verify; each names the tests that fail when it
is no longer so. Figures are those of `python -m bench.review`, in bench/RESULTS.md.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent

# number -> (what holds, tests as "file: name name ...")
PROMISES: dict[int, tuple[str, ...]] = {
    1: (
        "one address, loopback only, no connection to the outside, 48 cards",
        "browser: test_it_prints_one_address_and_listens_on_loopback_only",
        "reviewers: test_it_opens_without_any_network",
        "page: test_the_first_page_has_48_cards_without_a_sharp_pixel",
    ),
    2: (
        "no response waits for an acknowledgement; ratios are those of bench.review",
        "speed: test_the_sockets_it_accepts_have_nagle_off "
        "test_later_requests_of_a_connection_wait_for_nothing",
    ),
    3: (
        "filter, page and item survive a reload and a pasted address; Back goes back",
        "browser: test_filter_page_and_item_survive_a_reload_and_a_pasted_address",
        "grid: test_back_returns_to_the_former_filter_and_forward_again",
    ),
    4: (
        "before a reveal nothing sharp is asked for and no picture has more than 32 pixels",
        "browser: test_nothing_sharp_is_in_the_browser_before_a_reveal",
        "wellbeing: test_no_page_has_a_picture_of_more_than_32_pixels",
        "overview: test_no_picture_is_on_the_page",
    ),
    5: (
        "a reveal is one picture, grey first, and ends by itself",
        "browser: test_a_reveal_is_one_picture_grey_first_and_ends_by_itself",
        "wellbeing: test_everything_that_turns_away_hides_the_picture",
    ),
    6: (
        "Esc hides everything within a frame",
        "browser: test_esc_hides_everything_within_a_frame",
    ),
    7: (
        "a quarantined item has no card and no picture anywhere",
        "routes: test_quarantined_rows_are_as_unknown_ones test_quarantined_rows_are_in_no_queue",
        "finding: test_a_condition_sees_that_rows_are_quarantined_and_never_brings_them",
    ),
    8: (
        "without scripts or styles nothing sharp appears; sharp answers are stored nowhere",
        "browser: test_without_scripts_there_is_no_picture_at_all",
        "wellbeing: test_without_styles_nothing_is_sharp_either",
        "routes: test_a_clear_picture_is_made_anew_and_never_stored",
    ),
    9: (
        "every key of the legend does what it says; keys can be changed and stay changed",
        "browser: test_every_key_does_what_the_legend_says_and_advances "
        "test_the_legend_changes_keys_and_they_persist",
    ),
    10: (
        "thirty keys at full speed are thirty rows in order; a held key is one",
        "browser: test_thirty_keys_at_full_speed_are_thirty_rows_in_order "
        "test_a_held_key_decides_once",
    ),
    11: (
        "typing, dialogs, input methods and modifiers decide nothing",
        "browser: test_typing_and_modifiers_decide_nothing",
        "grid: test_behind_an_open_dialog_no_key_decides",
    ),
    12: (
        "neither a killed server nor a reload loses or doubles a decision",
        "browser: test_a_killed_server_loses_nothing_and_doubles_nothing "
        "test_a_reload_with_a_full_outbox_loses_nothing",
    ),
    13: (
        "undo restores what was, of one and of a batch; the log keeps everything",
        "browser: test_undo_restores_what_was_and_the_log_keeps_everything",
        "bulk: test_a_whole_queue_is_decided_in_one_batch_and_taken_back",
    ),
    14: (
        "deciding for many: exact number, blurred sample, effect, one batch, undo",
        "bulk: test_a_whole_queue_is_decided_in_one_batch_and_taken_back",
        "many: test_an_offer_says_exactly_how_many_and_what_is_left_out "
        "test_the_effect_is_what_a_plan_of_the_whole_catalog_comes_to",
    ),
    15: (
        "a decision about near-duplicates is one row for each of them",
        "bulk: test_a_cluster_card_decides_for_every_member_and_one_undo_takes_all_back",
    ),
    16: (
        "everything works by mouse, and by Tab and Enter",
        "browser: test_everything_works_by_mouse_and_by_tab_and_enter",
    ),
    17: (
        "two browsers never get the same item; leaving hands it on",
        "reviewers: test_two_browsers_never_get_the_same_picture_and_leaving_hands_it_on",
        "team: test_ten_reviewers_at_once_lose_and_double_nothing",
    ),
    18: (
        "the second reviewer sees no first verdict; a disagreement is listed and settled",
        "reviewers: test_the_second_reviewer_sees_no_first_verdict_and_both_are_kept",
        "bulk: test_a_disagreement_is_settled_after_a_look_of_ones_own",
    ),
    19: (
        "no browser changes the reviewer's name",
        "reviewers: test_no_browser_changes_its_own_name "
        "test_a_word_of_one_reviewer_is_of_no_use_to_another",
        "signin: test_nothing_that_a_browser_sends_changes_the_name",
    ),
    20: (
        "a catalog replaced under the page is announced, and the queue stays",
        "reviewers: test_a_catalog_replaced_while_two_page_disturbs_neither",
    ),
    21: (
        "`curate plan` beside the open screen knows the last decision",
        "reviewers: test_a_plan_made_meanwhile_knows_the_last_decision",
    ),
    22: (
        "words, likeness, pictures, SQL and the map fill the same grid; SQL has a limit",
        "search: test_words_and_names_fill_the_grid_and_narrow "
        "test_like_a_sample_is_found_by_its_name_or_row_nearest_first "
        "test_a_picture_is_compared_by_the_catalogs_scorer_and_not_kept "
        "test_a_condition_fills_the_grid_or_says_what_is_wrong_in_one_line "
        "test_nothing_found_says_so",
        "overview: test_a_box_on_the_map_is_counted_and_reviewed",
        "finding: test_an_endless_condition_is_stopped_and_the_next_one_answers",
    ),
    23: (
        "SQL reads and writes nothing but rows",
        "finding: test_a_condition_can_do_nothing_but_choose_rows",
    ),
    24: (
        "matrix, histogram and charts: a click filters, a threshold counts, all have words",
        "overview: test_a_cell_of_the_matrix_leads_to_what_it_counts "
        "test_dragging_the_threshold_says_how_many_are_on_each_side "
        "test_charts_have_a_text_and_a_table",
    ),
    25: (
        "what strangers wrote is text, and fetches nothing on any page",
        "browser: test_captions_of_strangers_are_text_and_fetch_nothing",
        "access: test_a_page_keeps_still_and_asks_nobody_else",
    ),
    26: (
        "broken, huge and odd pictures cost little and say why",
        "browser: test_pictures_that_cannot_be_shown_say_why_and_cost_little",
        "routes: test_pictures_that_cannot_be_shown_say_why "
        "test_odd_pictures_are_shown_as_plain_ones",
    ),
    27: (
        "whatever is no address of ours is JSON with 400, 403 or 404",
        "routes: test_whatever_is_no_address_of_ours_is_json_404 "
        "test_a_malformed_post_stores_nothing test_without_a_good_token_nothing_is_given_out",
    ),
    28: (
        "another host is refused",
        "browser: test_another_host_gets_no_web_socket",
        "routes: test_another_host_is_refused",
    ),
    29: (
        "reveals are counted for the person alone; pause, limit, types not wanted",
        "wellbeing: test_the_counter_is_the_number_of_sharp_pictures_up_to_the_daily_limit "
        "test_a_pause_is_proposed_at_the_chosen_number test_types_one_does_not_want_are_not_given",
        "people: test_exposure_is_told_to_the_one_who_looked",
    ),
    30: (
        "settings follow the person",
        "wellbeing: test_settings_follow_the_person_to_another_browser",
        "grid: test_keys_that_were_changed_follow_the_person",
    ),
    31: (
        "axe, focus, 200 % and stillness on every page, dark and light",
        "access: test_a_page_has_no_serious_fault_and_fits "
        "test_a_page_shows_the_focus test_a_page_keeps_still_and_asks_nobody_else",
        "grid: test_marks_are_letters_and_stacks_say_how_many "
        "test_it_fits_from_twice_enlarged_to_wide",
    ),
    32: (
        "the exported log is the log, the same bytes every time",
        "many: test_an_exported_file_is_the_log_at_that_moment_whenever_it_is_written",
        "bulk: test_the_log_batches_and_files_are_on_the_page_decisions",
    ),
    33: (
        "no page scrolls sideways; pictures of all of them are kept",
        "access: test_a_page_has_no_serious_fault_and_fits",
    ),
    34: (
        "all of it without a window, in less than four minutes on two cores",
        "conftest: pytest_terminal_summary",
    ),
}


def path_of(file: str) -> Path:
    """Where the tests are of which PROMISES says "file: "."""
    names = (f"test_review_{file}.py", f"test_{file}.py", f"{file}.py")
    return next(path for path in map(TESTS.joinpath, names) if path.exists())


@cache
def holders() -> frozenset[tuple[str, str]]:
    """(name of the file, name of the test) of every test that holds a promise."""
    return frozenset(
        (path_of(file).name, name)
        for _, *held in PROMISES.values()
        for file, _, names in (holder.partition(": ") for holder in held)
        for name in names.split()
    )
