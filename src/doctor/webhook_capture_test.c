/*
 * Goal: a captured request says who sent what and what its signature is worth; what cannot be read is
 * refused with its reason, and no secret is in what is written.
 * Method: requests signed here, then changed as proxies and clocks change them, beside the fields.
 */
#include "doctor/webhook_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SECRET "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
#define OTHER "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXI="
#define BODY "{\"id\":\"evt_1\",\"type\":\"order.updated\",\"data\":{\"object\":\"ch_1\"}}"

struct stage {
    struct webhook_judge judge;
    struct value_map map;
    struct signing_key keys[2];
    struct arena bytes;
    struct arena tree;
    struct buf out;
    struct mask_counts masked;
};

static int stage_begin(void **state)
{
    static struct stage stage;
    memset(&stage, 0, sizeof stage);
    assert_int_equal(signing_key_parse(STR(SECRET), &stage.keys[0]), STATUS_OK);
    assert_int_equal(signing_key_parse(STR(OTHER), &stage.keys[1]), STATUS_OK);
    signing_key_name(&stage.keys[0], STR("now"));
    signing_key_name(&stage.keys[1], STR("before"));
    stage.keys[1].not_after.ns = NS_PER_S;
    stage.judge.policy = (struct webhook_policy){ .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 };
    stage.judge.keys[0] = &stage.keys[0];
    stage.judge.keys[1] = &stage.keys[1];
    buf_init(&stage.judge.scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&stage.judge.scratch.form, WEBHOOK_SCRATCH_SIZE);
    buf_init(&stage.out, 1 << 16);
    assert_int_equal(value_map_parse(&stage.map, "webhook", str_from(webhook_capture_paths), NULL),
                     STATUS_OK);
    assert_int_equal(arena_init(&stage.bytes, 1 << 20), STATUS_OK);
    assert_int_equal(arena_init(&stage.tree, 1 << 20), STATUS_OK);
    *state = &stage;
    return 0;
}

static int stage_end(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 2; i++) signing_key_done(&stage->keys[i]);
    buf_free(&stage->judge.scratch.message);
    buf_free(&stage->judge.scratch.form);
    buf_free(&stage->out);
    arena_done(&stage->bytes);
    arena_done(&stage->tree);
    return 0;
}

/* The record of a line, or "" with the reason. */
static const char *record_of(struct stage *stage, const char *line, const char **out_reason)
{
    const struct json_node *root;
    struct webhook_capture capture;
    struct arena arena;
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    assert_int_equal(json_tree_parse(str_from(line), &arena, &root, NULL), STATUS_OK);
    buf_reset(&stage->out);
    arena_reset(&stage->bytes);
    const struct webhook_writing writing = { &stage->judge, &stage->map, &stage->tree, &stage->out,
                                             &stage->masked };
    if (webhook_capture_read(root, "in", &stage->bytes, &capture, out_reason) &&
        !webhook_capture_write(&capture, &writing))
        *out_reason = "no event";
    arena_done(&arena);
    return buf_terminated(&stage->out);
}

enum { SIGNED_S = 1796000000 };

struct verdict_case {
    int key;
    int64_t late_s; /* the capture after the signature */
    const char *body;
    int status;
    const char *fields; /* parts of the record, by blanks */
};

static const struct verdict_case verdicts[] = {
    { 0, 2, BODY, 200,
      "\"event\":\"evt_1\" \"type\":\"order.updated\" \"verdict\":\"accepted\" \"sig_raw\":\"ok\" "
      "\"kid\":\"now\" \"age_ns\":2000000000 \"tolerance_ns\":300000000000 \"psp_ref\":\"ch_1\"" },
    { 0, 301, BODY, 401, "\"verdict\":\"rejected\" \"reason\":\"timestamp\" \"sig_raw\":\"ok\"" },
    { 1, 2, BODY, 401,
      "\"reason\":\"unknown_key\" \"sig_raw\":\"bad\" \"sig_other\":\"ok\" \"kid\":\"before\"" },
    { 0, 2,
      "{ \"id\": \"evt_1\", \"type\": \"order.updated\", \"data\": { \"object\": \"ch_1\" } }", 400,
      "\"reason\":\"signature\" \"sig_raw\":\"bad\" \"sig_parsed\":\"ok\"" },
    { 0, 2, "{\"id\":\"evt_1\",\"amount\":1}", 401,
      "\"reason\":\"signature\" \"sig_raw\":\"bad\" \"sig_other\":\"bad\"" },
    { 0, 2, BODY, 503, "\"sig_raw\":\"ok\"" },
};

static void signatures_are_worth_what_they_are(void **state)
{
    struct stage *stage = *state;
    stage->judge.key_count = 2;
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        const struct verdict_case *row = &verdicts[i];
        const char *reason = NULL;
        struct signing_key *keys[] = { &stage->keys[row->key] };
        BUF_SCOPE struct buf signature;
        BUF_SCOPE struct buf line;
        buf_init(&signature, 4096);
        buf_init(&line, 8192);
        const struct webhook_signing signing = {
            &stage->judge.policy, keys, 1, STR("evt_1"), SIGNED_S, STR(BODY), NULL,
        };
        webhook_sign(&signing, &signature);
        char text[1024];
        size_t len = 0;
        for (const char *at = row->body; *at != '\0'; at++) {
            if (*at == '"') text[len++] = '\\';
            text[len++] = *at;
        }
        buf_append_format(&line,
                          "{\"ts\":\"%lld\",\"headers\":{\"webhook-id\":\"evt_1\","
                          "\"webhook-timestamp\":\"%d\",\"webhook-signature\":\"%s\"},"
                          "\"body_text\":\"%.*s\",\"status\":%d}",
                          (long long)SIGNED_S + row->late_s, SIGNED_S, buf_terminated(&signature),
                          (int)len, text, row->status);
        const char *record = record_of(stage, buf_terminated(&line), &reason);
        assert_null(reason);
        struct str rest = str_from(row->fields);
        while (rest.len > 0) {
            char part[128];
            size_t size = strcspn(rest.data, " ");
            int wrote = snprintf(part, sizeof part, "%.*s", (int)size, rest.data);
            assert_true(wrote > 0);
            if (strstr(record, part) == NULL) fail_msg("%s is not in %s", part, record);
            rest = (struct str){ rest.data + size, rest.len - size };
            if (rest.len > 0) rest = (struct str){ rest.data + 1, rest.len - 1 };
        }
        if (row->status == 503) assert_null(strstr(record, "verdict"));
        assert_null(strstr(record, "c2VjcmV0"));
    }
}

static void nothing_is_said_of_signatures_without_secrets(void **state)
{
    struct stage *stage = *state;
    const char *reason = NULL;
    stage->judge.key_count = 0;
    const char *record = record_of(stage,
                                   "{\"ts\":\"2026-11-23T00:00:00Z\",\"headers\":[[\"svix-id\","
                                   "\"e7\"]],\"body\":\"\",\"status\":401,\"direction\":\"out\"}",
                                   &reason);
    assert_null(reason);
    assert_string_equal(record,
                        "{\"kind\":\"webhook\",\"ts\":\"2026-11-23T00:00:00.000000000Z\","
                        "\"direction\":\"out\",\"verdict\":\"rejected\",\"event\":\"e7\"}\n");
}

struct refusal_case {
    const char *line;
    const char *reason; /* part of it */
};

static const struct refusal_case refusals[] = {
    { "{\"body\":\"\"}", "no time" },
    { "7", "no time" },
    { "{\"ts\":\"1796000000\",\"headers\":7,\"body\":\"\"}", "headers are" },
    { "{\"ts\":\"1796000000\",\"headers\":[[\"a\"]],\"body\":\"\"}", "headers are" },
    { "{\"ts\":\"1796000000\",\"headers\":{\"\":\"x\"},\"body\":\"\"}", "headers are" },
    { "{\"ts\":\"1796000000\"}", "neither body" },
    { "{\"ts\":\"1796000000\",\"body\":\"!!\"}", "neither body" },
    { "{\"ts\":\"1796000000\",\"body\":{}}", "neither body" },
    { "{\"ts\":\"1796000000\",\"body\":\"\",\"status\":1000}", "status" },
    { "{\"ts\":\"1796000000\",\"body_text\":\"{}\"}", "no event" },
};

static void what_is_no_capture_is_refused_with_its_reason(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const char *reason = NULL;
        const char *record = record_of(stage, refusals[i].line, &reason);
        assert_string_equal(record, "");
        assert_non_null(reason);
        assert_non_null(strstr(reason, refusals[i].reason));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_worth_what_they_are),
        cmocka_unit_test(nothing_is_said_of_signatures_without_secrets),
        cmocka_unit_test(what_is_no_capture_is_refused_with_its_reason),
    };
    return cmocka_run_group_tests(tests, stage_begin, stage_end);
}
