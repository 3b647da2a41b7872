/*
 * Goal: what threads find in the pieces of a file is what one reader finds line by line, and each
 * row can be gone to.
 * Method: a file of several pieces with two kinds of lines, blank, broken and overlong ones, some of
 * them across the border of a piece; counted while it is written, then passed over, gone through by
 * hash and by number.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include "adapter/evidence_scan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/evidence_cursor.h"
#include "base/buf.h"

enum { LINES = 90000, FILE_MAX = 32 << 20, TX = 3 /* place of the field */ };

static struct evidence_rows rows;
static struct buf text;
static uint32_t postings;
static uint32_t spans;
static uint64_t wrong;
static uint64_t first_wrong; /* line */
static uint64_t line_count;

static void line_add(uint32_t i)
{
    line_count++;
    if (i % 3 == 0) {
        buf_append_format(&text, "{\"kind\":\"span\",\"ts\":%u,\"trace\":\"%u\"}\n", i, i / 7);
        spans++;
        return;
    }
    buf_append_format(&text,
                      "{\"kind\":\"posting\",\"tx\":\"t%u\",\"account\":\"a%u\",\"amount\":%u,"
                      "\"ccy\":\"EUR\",\"host\":\"%0*u\"}\n",
                      i, i % 100, i, (int)(i % 300) + 1, i);
    postings++;
}

static void wrong_add(const char *line, size_t len)
{
    line_count++;
    if (len > 0 && wrong++ == 0) first_wrong = line_count;
    buf_append(&text, line, len);
    buf_append_byte(&text, '\n');
}

static void file_make(bool clean)
{
    static char wide[70000];
    memset(wide, 'x', sizeof wide);
    postings = spans = 0;
    wrong = first_wrong = line_count = 0;
    buf_reset(&text);
    for (uint32_t i = 0; i < LINES; i++) {
        line_add(i);
        if (i % 1000 == 1) wrong_add("", 0);
        if (clean) continue;
        if (i % 5000 == 7) wrong_add("{\"kind\":\"posting\"}", 18);
        if (i % 9000 == 8) wrong_add(wide, sizeof wide);
    }
    assert_int_equal(buf_status(&text), STATUS_OK);
}

static void scan(struct evidence_scanned *out_scanned)
{
    struct error error = { 0 };
    int file = open(getenv("SCRATCH"), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_true(write(file, text.data, text.len) == (ssize_t)text.len);
    const struct evidence_row_source lines = {
        .file = file,
        .size = text.len,
        .kinds = UINT64_C(1) << evidence_kind_find(STR("span")) |
                 UINT64_C(1) << evidence_kind_find(STR("posting")),
    };
    assert_int_equal(evidence_rows_scan(&rows, 0, &lines, out_scanned, &error), STATUS_OK);
}

static uint32_t posting_kind(void)
{
    return (uint32_t)evidence_kind_find(STR("posting"));
}

/* Every row of the kind, in order; some are gone to again by their number. */
static void pass(struct evidence_cursor *cursor, struct evidence_cursor *other)
{
    static const struct evidence_bounds all = { .by_ts = false };
    uint32_t seen = 0;
    int64_t before = 0;
    evidence_cursor_all(cursor, &all);
    for (evidence_cursor_next(cursor); !cursor->end; evidence_cursor_next(cursor), seen++) {
        assert_true(cursor->number > before);
        before = cursor->number;
        if (seen % 501 != 0) continue;
        evidence_cursor_number(other, cursor->number);
        evidence_cursor_next(other);
        assert_false(other->end);
        assert_true(other->record.hash == cursor->record.hash);
        evidence_cursor_next(other);
        assert_true(other->end);
    }
    assert_int_equal(cursor->status, STATUS_OK);
    assert_int_equal(seen, postings);
}

static void find(struct evidence_cursor *cursor)
{
    struct error error = { 0 };
    struct evidence_index *index;
    assert_int_equal(evidence_index_of(&rows, posting_kind(), TX, &index, &error), STATUS_OK);
    for (uint32_t i = 1; i < LINES; i += 977) {
        char name[16];
        assert_in_range(snprintf(name, sizeof name, "t%u", i), 2, sizeof name - 1);
        struct record_value value = { .text = str_from(name) };
        uint32_t found = 0;
        evidence_cursor_hash(cursor, index, narrowing_hash(&rows.fields, &value));
        for (evidence_cursor_next(cursor); !cursor->end; evidence_cursor_next(cursor))
            found += str_equal(cursor->record.values[TX].text, value.text);
        assert_int_equal(found, i % 3 != 0);
    }
}

static void compare(bool clean)
{
    struct evidence_scanned scanned;
    struct evidence_cursor cursor;
    struct evidence_cursor other;
    file_make(clean);
    scan(&scanned);
    assert_int_equal(scanned.rows, postings + spans);
    assert_int_equal(scanned.rejected, wrong);
    assert_int_equal(scanned.first_reject_line, first_wrong);
    assert_int_equal(rows.kinds[posting_kind()].rows, postings);
    assert_int_equal(rows.kinds[posting_kind()].filled[TX], postings);
    assert_int_equal(evidence_cursor_init(&cursor, &rows, posting_kind()), STATUS_OK);
    assert_int_equal(evidence_cursor_init(&other, &rows, posting_kind()), STATUS_OK);
    pass(&cursor, &other);
    find(&cursor);
    evidence_cursor_done(&cursor);
    evidence_cursor_done(&other);
    assert_int_equal(evidence_rows_reset(&rows), STATUS_OK);
}

static void pieces_are_one_file(void **state)
{
    (void)state;
    compare(true);
}

static void wrong_lines_are_counted_and_passed_over(void **state)
{
    (void)state;
    compare(false);
}

static int setup(void **state)
{
    (void)state;
    buf_init(&text, FILE_MAX);
    return evidence_rows_init(&rows, getenv("SCRATCH")) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&text);
    evidence_rows_done(&rows);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_one_file),
        cmocka_unit_test(wrong_lines_are_counted_and_passed_over),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
