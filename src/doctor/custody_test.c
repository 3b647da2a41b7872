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

/* Every cut inside of an entry tears it; a byte that was changed, and a length, do not. */
static void an_entry_without_its_end_is_torn(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf log;
    buf_init(&log, CUSTODY_SIZE_MAX);
    size_t ends[ENTRIES + 1];
    log_write(&log, ends);
    for (size_t len = 1; len < ends[1]; len++)
        if (!custody_is_torn((struct str){ (char *)log.data + ends[2], len }))
            fail_msg("%zu bytes are not torn", len);
    assert_false(custody_is_torn((struct str){ (char *)log.data, ends[1] }));
    assert_false(custody_is_torn((struct str){ (char *)log.data, 0 }));
    for (int entry = 0; entry < ENTRIES; entry++) {
        uint8_t first = log.data[ends[entry]];
        struct str rest = { (char *)log.data + ends[entry], log.len - ends[entry] };
        log.data[ends[entry]] = '9'; /* longer than what is left, in the last ones */
        assert_false(custody_is_torn(rest));
        log.data[ends[entry]] = first;
    }
}

static void the_newest_entry_of_a_subject_counts(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf log;
    buf_init(&log, CUSTODY_SIZE_MAX);
    struct note_signer signer;
    test_signer(&signer, "anna", NOTE_ED25519, 7);
    struct custody_chain chain = { 0 };
    struct custody_entry entry = given[1];
    for (uint8_t i = 1; i <= 3; i++) {
        entry.digest.bytes[0] = i;
        custody_append(&chain, &entry, &signer, &log);
        custody_append(&chain, &given[0], &signer, &log);
    }
    struct custody_entry found;
    assert_true(custody_newest(buf_view(&log), given[1].subject, &found));
    assert_int_equal(found.digest.bytes[0], 3);
    assert_int_equal(found.number, 5);
    assert_false(custody_newest(buf_view(&log), STR("manifest.json"), &found));
    note_signer_done(&signer);
}

/* Signed all the same: by whoever wants a file of the reader's. */
static void a_subject_outside_of_the_bundle_is_no_entry(void **state)
{
    (void)state; /* no fixture */
    assert_true(custody_subject_is_valid(STR("evidence/a.ndjson")));
    static const char *const outside[] = {
        "../x", "/x", "evidence/../../x", "custody.log", "unfinished", "elsewhere/x", ""
    };
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (custody_subject_is_valid(str_from(outside[i]))) fail_msg("'%s'", outside[i]);
    struct note_signer signer;
    test_signer(&signer, "anna", NOTE_ED25519, 7);
    BUF_SCOPE struct buf log;
    BUF_SCOPE struct buf text;
    buf_init(&log, CUSTODY_SIZE_MAX);
    buf_init(&text, CUSTODY_ENTRY_MAX);
    struct custody_chain chain = { 0 };
    custody_append(&chain, &given[1], &signer, &log);
    struct str whole = buf_view(&log);
    struct str line;
    (void)str_take_line(&whole, &line); /* its length */
    const char *end = strstr(buf_terminated(&log), "\n\n");
    assert_non_null(end);
    struct str before = { whole.data, (size_t)(end + 1 - whole.data) };
    const char *subject = strstr(before.data, "evidence/a.ndjson");
    assert_non_null(subject);
    buf_append(&text, before.data, (size_t)(subject - before.data));
    buf_append_str(&text, STR("../../a.ndjson"));
    subject += given[1].subject.len;
    buf_append(&text, subject, (size_t)(before.data + before.len - subject));
    BUF_SCOPE struct buf note;
    buf_init(&note, CUSTODY_ENTRY_MAX);
    note_begin(&note, buf_view(&text));
    note_sign(&note, buf_view(&text), &signer);
    buf_reset(&log);
    buf_append_format(&log, "%zu\n", note.len);
    buf_append_str(&log, buf_view(&note));
    enum status status;
    assert_int_equal(log_read(buf_view(&log), &status), 0);
    assert_int_equal(status, STATUS_INVALID);
    note_signer_done(&signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(entries_that_were_moved_are_found),
        cmocka_unit_test(words_that_would_break_the_form_are_none),
        cmocka_unit_test(an_entry_without_its_end_is_torn),
        cmocka_unit_test(the_newest_entry_of_a_subject_counts),
        cmocka_unit_test(a_subject_outside_of_the_bundle_is_no_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
