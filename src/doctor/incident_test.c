/*
 * Goal: a ticket is read as it was written; only moves that make sense are allowed; a tracker does
 * not take a text for markup.
 * Method: a ticket written and read back; the table of states; texts that are wrong.
 */
#include "doctor/incident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct incident ticket;
static struct incident back;

static void ticket_make(void)
{
    ticket = (struct incident){
        .id = STR("7F3A"),
        .title = STR("charged | <twice>"),
        .owner = STR("anna"),
        .state = INCIDENT_CONTAINED,
        .opened_at = { 5 },
        .from = { 1 },
        .to = { 4 },
    };
    const struct incident_note note = { { 6 }, STR("bob"), STR("said \"stop\"\nand did") };
    assert_true(incident_note_add(&ticket, &note));
}

static void a_ticket_is_read_as_it_was_written(void **state)
{
    (void)state; /* no fixture */
    ticket_make();
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf again;
    buf_init(&text, INCIDENT_SIZE_MAX);
    buf_init(&again, INCIDENT_SIZE_MAX);
    incident_json(&ticket, &text);
    struct arena arena;
    struct error error;
    assert_int_equal(arena_init(&arena, text.len + (64 << 10)), STATUS_OK);
    assert_int_equal(incident_parse(buf_view(&text), &arena, &back, &error), STATUS_OK);
    incident_json(&back, &again);
    assert_true(str_equal(buf_view(&text), buf_view(&again)));
    buf_reset(&again);
    incident_markdown(&back, &again);
    assert_non_null(strstr(buf_terminated(&again), "charged \\| \\<twice\\>"));
    assert_non_null(strstr(buf_terminated(&again), "said \"stop\" and did |\n"));
    arena_done(&arena);
}

static void what_is_no_ticket_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"format\":\"tpwallet-incident-1\"}",
        "{\"format\":\"tpwallet-incident-2\",\"id\":\"A\"}",
        "{\"format\":\"tpwallet-incident-1\",\"id\":\"../A\"}",
        "{\"format\":\"tpwallet-incident-1\",\"id\":\"A\",\"state\":\"lost\"}",
        "{\"format\":\"tpwallet-incident-1\",\"id\":\"A\",\"from\":\"yesterday\"}",
        "{\"format\":\"tpwallet-incident-1\",\"id\":\"A\",\"timeline\":[{}]}",
        "{\"format\":\"tpwallet-incident-1\",\"id\":\"A\",\"from\":\"2026-01-01T00:00:00Z\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct arena arena;
        struct error error;
        assert_int_equal(arena_init(&arena, 64 << 10), STATUS_OK);
        if (incident_parse(str_from(texts[i]), &arena, &back, &error) != STATUS_INVALID)
            fail_msg("%s", texts[i]);
        arena_done(&arena);
    }
}

static void states_go_forward_or_begin_anew(void **state)
{
    (void)state; /* no fixture */
    for (int from = 0; from < INCIDENT_STATE_COUNT; from++) {
        for (int to = 0; to < INCIDENT_STATE_COUNT; to++) {
            bool may =
                from != INCIDENT_CLOSED && (to > from || (to == INCIDENT_OPEN && from != to));
            assert_int_equal(incident_may((enum incident_state)from, (enum incident_state)to), may);
        }
        enum incident_state read;
        assert_true(
            incident_state_parse(str_from(incident_state_name((enum incident_state)from)), &read));
        assert_int_equal(read, from);
    }
}

static void notes_are_bounded(void **state)
{
    (void)state; /* no fixture */
    ticket_make();
    const struct incident_note empty = { { 6 }, STR("bob"), STR("") };
    const struct incident_note note = { { 6 }, STR("bob"), STR("x") };
    assert_false(incident_note_add(&ticket, &empty));
    while (ticket.note_count < INCIDENT_NOTES_MAX) assert_true(incident_note_add(&ticket, &note));
    assert_false(incident_note_add(&ticket, &note));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_ticket_is_refused),
        cmocka_unit_test(states_go_forward_or_begin_anew),
        cmocka_unit_test(notes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
