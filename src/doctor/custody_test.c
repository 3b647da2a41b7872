/*
 * Goal: what was written is read back in order; whatever is changed, left out, moved or added
 * afterwards is found, and where.
 * Method: a log of a few entries; every byte of it flipped, every entry dropped, swapped, doubled
 * or signed by another key.
 */
#include "doctor/custody.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tlog/note_test.h"

enum { ENTRIES = 4 };

static const struct custody_entry given[ENTRIES] = {
    { .at = { 1000 }, .act = { "opened", 6 }, .subject = { "incident.json", 13 } },
    { .at = { 2000 }, .act = { "collected", 9 }, .subject = { "evidence/a.ndjson", 17 } },
    { .at = { 3000 }, .act = { "collected", 9 }, .subject = { "evidence/b.ndjson", 17 } },
    { .at = { 4000 }, .act = { "sealed", 6 }, .subject = { "manifest.json", 13 } },
};

static void log_write(struct buf *out, size_t ends[ENTRIES + 1])
{
    struct note_signer signer;
    test_signer(&signer, "anna", NOTE_ED25519, 7);
    struct custody_chain chain = { 0 };
    ends[0] = 0;
    for (int i = 0; i < ENTRIES; i++) {
        custody_append(&chain, &given[i], &signer, out);
        ends[i + 1] = out->len;
    }
    assert_false(out->overflow);
    note_signer_done(&signer);
}

/* How many entries are read before it ends; *out_status is what it ended with. */
static uint64_t log_read(struct str rest, enum status *out_status)
{
    struct custody_chain chain = { 0 };
    struct custody_entry entry;
    struct error error;
    uint64_t count = 0;
    while ((*out_status = custody_next(&rest, &chain, &entry, &error)) == STATUS_OK) {
        assert_int_equal(entry.number, ++count);
        assert_string_equal("anna", ((struct note_key *)&entry.key)->name);
    }
    return count;
}

static void what_was_written_is_read_back(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf log;
    buf_init(&log, CUSTODY_SIZE_MAX);
    size_t ends[ENTRIES + 1];
    log_write(&log, ends);
    struct str rest = buf_view(&log);
    struct custody_chain chain = { 0 };
    struct error error;
    for (int i = 0; i < ENTRIES; i++) {
        struct custody_entry entry;
        assert_int_equal(custody_next(&rest, &chain, &entry, &error), STATUS_OK);
        assert_int_equal(entry.at.ns, given[i].at.ns);
        assert_true(str_equal(entry.act, given[i].act));
        assert_true(str_equal(entry.subject, given[i].subject));
    }
    assert_int_equal(rest.len, 0);
}

static void every_flipped_byte_is_found(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf log;
    buf_init(&log, CUSTODY_SIZE_MAX);
    size_t ends[ENTRIES + 1];
    log_write(&log, ends);
    for (size_t at = 0; at < log.len; at++) {
        log.data[at] ^= 1;
        enum status status;
        uint64_t count = log_read(buf_view(&log), &status);
        uint64_t entry = 0;
        while (ends[entry + 1] <= at) entry++;
        if (status == STATUS_NOT_FOUND || count != entry)
            fail_msg("byte %zu of entry %llu: %llu were read", at, (unsigned long long)entry,
                     (unsigned long long)count);
        log.data[at] ^= 1;
    }
}

static void entries_that_were_moved_are_found(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf log;
    buf_init(&log, CUSTODY_SIZE_MAX);
    size_t ends[ENTRIES + 1];
    log_write(&log, ends);
    static const int orders[][ENTRIES] = {
        { 1, 2, 3, 3 }, { 0, 2, 3, 3 }, { 0, 0, 1, 2 }, { 0, 2, 1, 3 }, { 3, 3, 3, 3 }
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        BUF_SCOPE struct buf moved;
        buf_init(&moved, CUSTODY_SIZE_MAX);
        for (int k = 0; k < ENTRIES; k++) {
            int from = orders[i][k];
            buf_append(&moved, log.data + ends[from], ends[from + 1] - ends[from]);
        }
        enum status status;
        assert_in_range(log_read(buf_view(&moved), &status), 0, ENTRIES - 1);
        assert_int_equal(status, STATUS_DENIED);
    }
    enum status status; /* what was cut off at the end is for the manifest to say */
    assert_int_equal(log_read((struct str){ (char *)log.data, ends[2] }, &status), 2);
    assert_int_equal(status, STATUS_NOT_FOUND);
    assert_int_equal(log_read((struct str){ (char *)log.data, ends[2] - 1 }, &status), 1);
    assert_int_equal(status, STATUS_INVALID);
}

static void words_that_would_break_the_form_are_none(void **state)
{
    (void)state; /* no fixture */
    assert_true(custody_word_is_valid(STR("evidence/a.ndjson")));
    assert_false(custody_word_is_valid(STR("")));
    assert_false(custody_word_is_valid(STR("a b")));
    assert_false(custody_word_is_valid(STR("a\nb")));
    assert_false(custody_word_is_valid(STR("\xc3\xa9")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(entries_that_were_moved_are_found),
        cmocka_unit_test(words_that_would_break_the_form_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
