/*
 * Goal: an inbox gives back what was put, whole; knows what is unmarked, also after a reopen;
 * and keeps to its retention without ever dropping what is not marked.
 * Method: cases on a fresh inbox each, through the port alone.
 */
#include "tests/port/inbox_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t put(struct inbox *inbox, int64_t at_s, struct str headers, struct str body)
{
    struct error error = { 0 };
    struct inbox_webhook webhook = {
        .received_at = { at_s * NS_PER_S }, .endpoint = "stripe", .headers = headers, .body = body
    };
    uint64_t id = 0;
    if (inbox->put(inbox, &webhook, &id, &error) != STATUS_OK) fail_msg("%s", error.message);
    return id;
}

static void expect(struct inbox *inbox, uint64_t id, struct str headers, struct str body,
                   enum inbox_mark mark)
{
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, INBOX_HEADERS_SIZE_MAX + INBOX_BODY_SIZE_MAX);
    struct inbox_webhook webhook;
    struct error error = { 0 };
    if (inbox->read(inbox, id, &webhook, &bytes, &error) != STATUS_OK)
        fail_msg("%s", error.message);
    assert_int_equal(webhook.id, id);
    assert_string_equal(webhook.endpoint, "stripe");
    assert_true(str_equal(webhook.headers, headers));
    assert_true(str_equal(webhook.body, body));
    assert_int_equal(webhook.mark, mark);
}

static bool is_there(struct inbox *inbox, uint64_t id)
{
    struct buf BUF_SCOPE bytes;
    buf_init(&bytes, INBOX_HEADERS_SIZE_MAX + INBOX_BODY_SIZE_MAX);
    struct inbox_webhook webhook;
    enum status status = inbox->read(inbox, id, &webhook, &bytes, NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

static uint32_t unmarked(struct inbox *inbox, uint64_t after, uint64_t *out_ids, uint32_t limit)
{
    uint32_t count = 99;
    assert_int_equal(inbox->unmarked(inbox, after, out_ids, limit, &count, NULL), STATUS_OK);
    return count;
}

static void what_is_put_is_read(const struct inbox_factory *factory)
{
    factory->fresh(factory->owner);
    struct inbox *inbox = factory->open(factory->owner);
    static const char raw[] = "\xFF\x00\xFE{\r\n"; /* any bytes */
    uint64_t first = put(inbox, 1, STR("a: b\n"), (struct str){ raw, sizeof raw });
    uint64_t second = put(inbox, 2, STR(""), STR(""));
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    expect(inbox, first, STR("a: b\n"), (struct str){ raw, sizeof raw }, INBOX_MARK_NONE);
    expect(inbox, second, STR(""), STR(""), INBOX_MARK_NONE);
    assert_false(is_there(inbox, 0));
    assert_false(is_there(inbox, 3));
    struct buf BUF_SCOPE small;
    buf_init(&small, 3);
    struct inbox_webhook webhook;
    assert_int_equal(inbox->read(inbox, first, &webhook, &small, NULL), STATUS_LIMIT);
    inbox->close(inbox);
    inbox = factory->open(factory->owner);
    expect(inbox, first, STR("a: b\n"), (struct str){ raw, sizeof raw }, INBOX_MARK_NONE);
    assert_int_equal(put(inbox, 3, STR(""), STR("x")), 3);
    inbox->close(inbox);
}

static void marks_are_seen_and_kept(const struct inbox_factory *factory)
{
    factory->fresh(factory->owner);
    struct inbox *inbox = factory->open(factory->owner);
    uint64_t ids[10];
    for (int i = 0; i < 6; i++) (void)put(inbox, 1, STR("h: v\n"), STR("body"));
    assert_int_equal(inbox->mark(inbox, 2, INBOX_MARK_DONE, NULL), STATUS_OK);
    assert_int_equal(inbox->mark(inbox, 4, INBOX_MARK_IGNORED, NULL), STATUS_OK);
    assert_int_equal(inbox->mark(inbox, 5, INBOX_MARK_FAILED, NULL), STATUS_OK);
    assert_int_equal(inbox->mark(inbox, 77, INBOX_MARK_DONE, NULL), STATUS_OK); /* nobody's */
    expect(inbox, 2, STR("h: v\n"), STR("body"), INBOX_MARK_DONE);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(unmarked(inbox, 0, ids, 10), 3);
        assert_int_equal(ids[0], 1);
        assert_int_equal(ids[1], 3);
        assert_int_equal(ids[2], 6);
        assert_int_equal(unmarked(inbox, 1, ids, 1), 1);
        assert_int_equal(ids[0], 3);
        assert_int_equal(unmarked(inbox, 6, ids, 10), 0);
        expect(inbox, 5, STR("h: v\n"), STR("body"), INBOX_MARK_FAILED);
        inbox->close(inbox);
        inbox = factory->open(factory->owner);
    }
    inbox->close(inbox);
}

static void the_age_takes_what_is_marked(const struct inbox_factory *factory)
{
    factory->fresh(factory->owner);
    struct inbox *inbox = factory->open(factory->owner);
    for (int i = 0; i < 5; i++) (void)put(inbox, 1000 + i, STR(""), STR("body"));
    for (uint64_t id = 1; id <= 5; id++) {
        if (id != 2) assert_int_equal(inbox->mark(inbox, id, INBOX_MARK_DONE, NULL), STATUS_OK);
    }
    uint32_t count = 0;
    struct wall_time now = { (1003 + INBOX_CASES_AGE_MAX_S) * NS_PER_S };
    assert_int_equal(inbox->trim(inbox, (struct wall_time){ 1 }, &count, NULL), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(inbox->trim(inbox, now, &count, NULL), STATUS_OK);
    assert_int_equal(count, 2); /* 1 and 3; 2 has no mark, 4 and 5 are too young */
    assert_false(is_there(inbox, 1));
    assert_true(is_there(inbox, 2));
    assert_false(is_there(inbox, 3));
    assert_true(is_there(inbox, 4));
    assert_int_equal(inbox->trim(inbox, (struct wall_time){ INT64_MAX }, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    assert_true(is_there(inbox, 5)); /* the newest of all */
    inbox->close(inbox);
    inbox = factory->open(factory->owner);
    assert_int_equal(put(inbox, 1, STR(""), STR("x")), 6); /* no id is given again */
    inbox->close(inbox);
}

static void the_size_takes_what_is_marked_and_refuses_else(const struct inbox_factory *factory)
{
    factory->fresh(factory->owner);
    struct inbox *inbox = factory->open(factory->owner);
    char body[INBOX_CASES_BYTES_MAX / 4];
    memset(body, 'b', sizeof body);
    const struct str quarter = { body, sizeof body };
    for (int i = 0; i < 4; i++) (void)put(inbox, 1, STR(""), quarter);
    struct inbox_webhook webhook = { .endpoint = "stripe", .body = STR("one byte too many") };
    uint64_t id = 0;
    struct error error = { 0 };
    assert_int_equal(inbox->put(inbox, &webhook, &id, &error), STATUS_LIMIT);
    assert_int_equal(error.status, STATUS_LIMIT);
    assert_int_equal(id, 0);
    assert_int_equal(inbox->mark(inbox, 2, INBOX_MARK_DONE, NULL), STATUS_OK);
    assert_int_equal(put(inbox, 1, STR(""), quarter), 5);
    assert_true(is_there(inbox, 1));
    assert_false(is_there(inbox, 2));
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_LIMIT);
    inbox->close(inbox);
    inbox = factory->open(factory->owner); /* the size is known again */
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_LIMIT);
    assert_int_equal(inbox->mark(inbox, 1, INBOX_MARK_DONE, NULL), STATUS_OK);
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_OK);
    inbox->close(inbox);
}

static uint64_t put_about(struct inbox *inbox, int64_t at_s, struct uuid about)
{
    struct inbox_webhook webhook = {
        .received_at = { at_s * NS_PER_S }, .endpoint = "stripe", .about = about, .body = STR("b")
    };
    uint64_t id = 0;
    assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_OK);
    return id;
}

static uint32_t found(struct inbox *inbox, struct inbox_subject subject, uint64_t *out_ids)
{
    uint32_t count = 99;
    assert_int_equal(inbox->find(inbox, &subject, out_ids, &count, NULL), STATUS_OK);
    return count;
}

static void those_about_a_payment_are_found(const struct inbox_factory *factory)
{
    const struct uuid one = { 7, 1 };
    const struct uuid two = { 7, 2 };
    factory->fresh(factory->owner);
    struct inbox *inbox = factory->open(factory->owner);
    uint64_t ids[10];
    for (int i = 0; i < 3; i++) {
        (void)put_about(inbox, 1000 + i, one); /* 1, 4, 7 */
        (void)put_about(inbox, 1000 + i, two);
        (void)put_about(inbox, 1000 + i, (struct uuid){ 0 });
    }
    for (int life = 0; life < 2; life++) {
        assert_int_equal(found(inbox, (struct inbox_subject){ one, 0, 10 }, ids), 3);
        assert_int_equal(ids[0], 1);
        assert_int_equal(ids[1], 4);
        assert_int_equal(ids[2], 7);
        assert_int_equal(found(inbox, (struct inbox_subject){ one, 1, 1 }, ids), 1);
        assert_int_equal(ids[0], 4);
        assert_int_equal(found(inbox, (struct inbox_subject){ one, 7, 10 }, ids), 0);
        assert_int_equal(found(inbox, (struct inbox_subject){ { 7, 3 }, 0, 10 }, ids), 0);
        inbox->close(inbox);
        inbox = factory->open(factory->owner);
    }
    uint32_t count = 0;
    assert_int_equal(inbox->mark(inbox, 1, INBOX_MARK_DONE, NULL), STATUS_OK);
    struct wall_time now = { (1001 + INBOX_CASES_AGE_MAX_S) * NS_PER_S };
    assert_int_equal(inbox->trim(inbox, now, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1); /* what is gone is not found any more */
    assert_int_equal(found(inbox, (struct inbox_subject){ one, 0, 10 }, ids), 2);
    assert_int_equal(found(inbox, (struct inbox_subject){ two, 0, 10 }, ids), 3);
    inbox->close(inbox);
}

void inbox_conformance(const struct inbox_factory *factory)
{
    what_is_put_is_read(factory);
    marks_are_seen_and_kept(factory);
    the_age_takes_what_is_marked(factory);
    the_size_takes_what_is_marked_and_refuses_else(factory);
    those_about_a_payment_are_found(factory);
}
