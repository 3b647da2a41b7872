/*
 * Goal: exactly what is signed with a live key, unchanged and in time, verifies; every other
 * webhook is rejected with the reason that names the cause.
 * Method: the published example of Standard Webhooks; each scheme signed and verified; then one
 * thing at a time is changed (a byte of the body, the clock, the key and its window, the headers)
 * and the reason compared; every byte of body and signature is flipped in turn.
 */
#include "webhook/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"

enum { NOW_S = 1614265330, HOUR_S = 3600, DAY_S = 86400 };

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define NEW_SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define OTHER_SECRET "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno"
#define SEED "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

static const struct webhook_policy STANDARD = { .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 };
static const struct webhook_policy STRIPE = { .scheme = WEBHOOK_STRIPE, .tolerance_s = 300 };
static const struct webhook_policy GITHUB = { .scheme = WEBHOOK_PLAIN,
                                              .signature_header = "X-Hub-Signature-256",
                                              .prefix = "sha256=" };
static const struct webhook_policy TIMED = { .scheme = WEBHOOK_PLAIN,
                                             .base64 = true,
                                             .tolerance_s = 300,
                                             .signature_header = "X-Signature",
                                             .timestamp_header = "X-Timestamp" };

/* A receiver with its keys, and a message with room for changes. */
struct scene {
    struct webhook_policy policy;
    struct signing_key keys[SIGNING_KEYS_MAX];
    struct signing_key *list[SIGNING_KEYS_MAX];
    uint32_t key_count;
    struct signing_key other;
    struct signing_key *others[1];
    struct webhook_scratch scratch;
    struct webhook_header headers[WEBHOOK_HEADERS_MAX + 1];
    uint32_t header_count;
    struct buf signature;
    struct buf body;
    int64_t now_s;
    struct webhook_verdict verdict;
};

static struct signing_key *scene_key(struct scene *scene, const char *text, const char *name)
{
    struct signing_key *key = &scene->keys[scene->key_count];
    bool plain = scene->policy.scheme != WEBHOOK_STANDARD;
    assert_int_equal(plain ? signing_key_plain(str_from(text), key)
                           : signing_key_parse(str_from(text), key),
                     STATUS_OK);
    signing_key_name(key, str_from(name));
    scene->list[scene->key_count++] = key;
    return key;
}

static void scene_open(struct scene *scene, const struct webhook_policy *policy)
{
    memset(scene, 0, sizeof *scene);
    scene->policy = *policy;
    scene->now_s = NOW_S;
    buf_init(&scene->scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&scene->scratch.form, WEBHOOK_SCRATCH_SIZE);
    buf_init(&scene->signature, 1 << 20);
    buf_init(&scene->body, 2 * WEBHOOK_BODY_SIZE_MAX);
    buf_append_str(&scene->body, STR("{\"test\": 2432232314}"));
    assert_int_equal(signing_key_parse(STR(OTHER_SECRET), &scene->other), STATUS_OK);
    signing_key_name(&scene->other, STR("stranger"));
    scene->others[0] = &scene->other;
}

static void scene_close(struct scene *scene)
{
    for (uint32_t i = 0; i < SIGNING_KEYS_MAX; i++) signing_key_done(&scene->keys[i]);
    signing_key_done(&scene->other);
    buf_free(&scene->scratch.message);
    buf_free(&scene->scratch.form);
    buf_free(&scene->signature);
    buf_free(&scene->body);
}

static void header_add(struct scene *scene, const char *name, struct str value)
{
    scene->headers[scene->header_count++] = (struct webhook_header){ str_from(name), value };
}

/* Signs the body with some keys; the headers are as a sender writes them. */
static void sign_with(struct scene *scene, struct signing_key *const *keys, uint32_t count)
{
    const struct webhook_signing signing = {
        .policy = &scene->policy,
        .keys = keys,
        .key_count = count,
        .id = STR("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        .timestamp_s = NOW_S,
        .body = buf_view(&scene->body),
        .scratch = &scene->scratch.message,
    };
    buf_reset(&scene->signature);
    webhook_sign(&signing, &scene->signature);
    scene->header_count = 0;
    header_add(scene, "Content-Type", STR("application/json"));
    if (scene->policy.scheme == WEBHOOK_STANDARD) {
        header_add(scene, "Webhook-Id", signing.id);
        header_add(scene, "webhook-timestamp", STR("1614265330"));
        header_add(scene, "WEBHOOK-SIGNATURE", buf_view(&scene->signature));
    } else if (scene->policy.scheme == WEBHOOK_STRIPE) {
        header_add(scene, "Stripe-Signature", buf_view(&scene->signature));
    } else {
        header_add(scene, scene->policy.signature_header, buf_view(&scene->signature));
        if (*scene->policy.timestamp_header != 0)
            header_add(scene, scene->policy.timestamp_header, STR("1614265330"));
    }
}

static enum webhook_reason verdict_of(struct scene *scene)
{
    const struct webhook_check check = {
        .policy = &scene->policy,
        .keys = scene->list,
        .key_count = scene->key_count,
        .others = scene->others,
        .other_count = 1,
        .now = { scene->now_s * NS_PER_S },
        .diagnose = true,
        .scratch = &scene->scratch,
    };
    /* A copy of exactly its size, so that a read behind it is found. */
    struct str body = buf_view(&scene->body);
    char *copy = malloc(body.len == 0 ? 1 : body.len);
    assert_non_null(copy);
    memcpy(copy, body.data, body.len);
    const struct webhook_message message = { scene->headers,
                                             scene->header_count,
                                             { copy, body.len } };
    bool verified = webhook_verify(&check, &message, &scene->verdict);
    free(copy);
    assert_true(verified == (scene->verdict.reason == WEBHOOK_REASON_VERIFIED));
    return (enum webhook_reason)scene->verdict.reason;
}

static void expect_words(struct scene *scene, const char *words)
{
    struct buf BUF_SCOPE text;
    buf_init(&text, 4096);
    webhook_verdict_write(&scene->verdict, &text);
    if (strstr(buf_terminated(&text), words) == NULL) fail_msg("%s", buf_terminated(&text));
}

static void the_published_example_verifies(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    sign_with(&scene, scene.list, 1);
    assert_true(str_equal(buf_view(&scene.signature),
                          STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")));
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    assert_true(str_equal(scene.verdict.id, STR("msg_p5jXN8AQM9LWM0D4loKWxJek")));
    assert_int_equal(scene.verdict.timestamp_s, NOW_S);
    assert_ptr_equal(scene.verdict.key, scene.list[0]);
    scene_close(&scene);
}

static void every_scheme_verifies_what_it_signs(void **state)
{
    (void)state; /* no fixture */
    static const struct webhook_policy *const policies[] = { &STANDARD, &STRIPE, &GITHUB, &TIMED };
    for (size_t i = 0; i < 4; i++) {
        struct scene scene;
        scene_open(&scene, policies[i]);
        (void)scene_key(&scene, SECRET, "first");
        sign_with(&scene, scene.list, 1);
        assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
        for (size_t at = 0; at < scene.body.len; at++) { /* a body changed by one byte */
            scene.body.data[at] ^= 1;
            assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_MATCH);
            scene.body.data[at] ^= 1;
        }
        for (size_t at = 0; at < scene.signature.len; at++) {
            scene.signature.data[at] ^= 1;
            assert_int_not_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
            scene.signature.data[at] ^= 1;
        }
        assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
        buf_reset(&scene.body);
        sign_with(&scene, scene.list, 1); /* no body is a body */
        assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
        scene_close(&scene);
    }
}

static void id_and_timestamp_are_signed_too(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    sign_with(&scene, scene.list, 1);
    scene.headers[1].value = STR("msg_p5jXN8AQM9LWM0D4loKWxJel");
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_MATCH);
    sign_with(&scene, scene.list, 1);
    scene.headers[2].value = STR("1614265331");
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_MATCH);
    scene_close(&scene);
}

static void ed25519_signatures(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    struct signing_key *seed = scene_key(&scene, SEED, "seed");
    sign_with(&scene, scene.list, 1);
    assert_true(str_starts(buf_view(&scene.signature), STR("v1a,")));
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    struct buf BUF_SCOPE public;
    buf_init(&public, 128);
    signing_key_format(seed, true, &public);
    scene.key_count = 0; /* the receiver has the public key only */
    signing_key_done(seed);
    (void)scene_key(&scene, buf_terminated(&public), "public");
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    scene.body.data[3] ^= 1;
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_MATCH);
    scene.body.data[3] ^= 1;
    buf_append_byte(&scene.body, '\n');
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_BODY_CHANGED);
    scene.body.len--;
    scene.key_count = 0;
    signing_key_done(&scene.keys[0]);
    (void)scene_key(&scene, SECRET, "hmac"); /* nothing to check a v1a with */
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_KEY);
    scene_close(&scene);
}

static void rotation_with_overlap(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    struct signing_key *old = scene_key(&scene, SECRET, "2021-01");
    struct signing_key *new = scene_key(&scene, NEW_SECRET, "2021-02");
    new->not_before.ns = (int64_t)NOW_S *NS_PER_S;
    old->not_after.ns = ((int64_t)NOW_S + 200) * NS_PER_S;
    const struct {
        struct signing_key *signs;
        int64_t now_s;
        enum webhook_reason reason;
    } cases[] = {
        { old, NOW_S - 100, WEBHOOK_REASON_VERIFIED },
        { new, NOW_S - 100, WEBHOOK_REASON_KEY_NOT_YET },
        { old, NOW_S, WEBHOOK_REASON_VERIFIED }, /* both */
        { new, NOW_S, WEBHOOK_REASON_VERIFIED },
        { old, NOW_S + 199, WEBHOOK_REASON_VERIFIED },
        { old, NOW_S + 200, WEBHOOK_REASON_KEY_EXPIRED },
        { new, NOW_S + 200, WEBHOOK_REASON_VERIFIED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene.now_s = cases[i].now_s;
        sign_with(&scene, &cases[i].signs, 1);
        if (verdict_of(&scene) != cases[i].reason) {
            fail_msg("case %zu: %s", i, webhook_reason_code(scene.verdict.reason));
        }
        assert_ptr_equal(scene.verdict.key, cases[i].signs);
    }
    scene.now_s = NOW_S + 250;
    sign_with(&scene, scene.list, 2); /* a sender in its overlap signs with both */
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    assert_ptr_equal(scene.verdict.key, new);
    sign_with(&scene, &old, 1);
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_KEY_EXPIRED);
    expect_words(&scene, "2021-01");
    scene_close(&scene);
}

static void clocks_and_replays(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    struct signing_key *key = scene_key(&scene, SECRET, "first");
    key->not_after.ns = ((int64_t)NOW_S + 30 * DAY_S) * NS_PER_S;
    const struct {
        int64_t later_s;
        enum webhook_reason reason;
    } cases[] = {
        { 0, WEBHOOK_REASON_VERIFIED },
        { 300, WEBHOOK_REASON_VERIFIED },
        { 301, WEBHOOK_REASON_TIMESTAMP_OLD },
        { -300, WEBHOOK_REASON_VERIFIED },
        { -301, WEBHOOK_REASON_TIMESTAMP_AHEAD },
        { HOUR_S, WEBHOOK_REASON_TIMESTAMP_OLD }, /* a clock off by an hour */
        { -HOUR_S, WEBHOOK_REASON_TIMESTAMP_AHEAD },
        { 365 * DAY_S, WEBHOOK_REASON_TIMESTAMP_OLD }, /* its secret is gone by then */
    };
    sign_with(&scene, scene.list, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene.now_s = NOW_S + cases[i].later_s;
        if (verdict_of(&scene) != cases[i].reason) {
            fail_msg("case %zu: %s", i, webhook_reason_code(scene.verdict.reason));
        }
        assert_int_equal(scene.verdict.ahead_s, -cases[i].later_s);
    }
    expect_words(&scene, "31536000 s old");
    scene.now_s = NOW_S - HOUR_S;
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_TIMESTAMP_AHEAD);
    expect_words(&scene, "3600 s ahead");
    scene.policy.tolerance_s = 0; /* not looked at */
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    scene_close(&scene);
}

static void other_forms_of_the_body_are_named(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *sent;
        const char *came;
        enum body_form form;
    } cases[] = {
        { "{\"a\":1}", "{\"a\":1}\n", BODY_FORM_NEWLINE_CUT },
        { "{\"a\":1}\n", "{\"a\":1}", BODY_FORM_NEWLINE_ADDED },
        { "{\"a\":1}", "\xEF\xBB\xBF{\"a\":1}", BODY_FORM_MARK_CUT },
        { "{\n  \"a\": 1\n}", "{\"a\":1}", BODY_FORM_JSON_INDENTED },
        { "{\"a\":1,\"b\":2}", "{\"a\": 1, \"b\": 2}", BODY_FORM_JSON_COMPACT },
        { "{\"a\": 1, \"b\": 2}", "{\"a\":1,\"b\":2}", BODY_FORM_JSON_SPACED },
        { "{\n\"a\":1}", "{\r\n\"a\":1}", BODY_FORM_LINE_FEEDS },
        { "", "{\"a\":1}", BODY_FORM_EMPTY },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;
        scene_open(&scene, &STRIPE);
        (void)scene_key(&scene, SECRET, "first");
        buf_reset(&scene.body);
        buf_append_str(&scene.body, str_from(cases[i].sent));
        sign_with(&scene, scene.list, 1);
        buf_reset(&scene.body);
        buf_append_str(&scene.body, str_from(cases[i].came));
        assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_BODY_CHANGED);
        if (scene.verdict.form != cases[i].form) fail_msg("case %zu", i);
        expect_words(&scene, body_form_text(cases[i].form));
        expect_words(&scene, "first");
        scene_close(&scene);
    }
}

static void the_wrong_secret(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    sign_with(&scene, scene.others, 1);
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_KEY_OTHER);
    expect_words(&scene, "stranger");
    struct signing_key unknown = { 0 };
    struct signing_key *signs = &unknown;
    assert_int_equal(signing_key_parse(STR(NEW_SECRET), &unknown), STATUS_OK);
    sign_with(&scene, &signs, 1);
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_MATCH);
    assert_null(scene.verdict.key);
    signing_key_done(&unknown);
    scene.key_count = 0;
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_KEY);
    scene_close(&scene);
}

static void bad_headers(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    const struct {
        uint32_t place;
        struct str value;
        enum webhook_reason reason;
    } cases[] = {
        { 1, STR(""), WEBHOOK_REASON_HEADER_MALFORMED },
        { 1, STR("a.b"), WEBHOOK_REASON_HEADER_MALFORMED },
        { 1, STR("\xC3\x28"), WEBHOOK_REASON_HEADER_MALFORMED }, /* not UTF-8 */
        { 2, STR("yesterday"), WEBHOOK_REASON_TIMESTAMP_MALFORMED },
        { 2, STR("1614265330000"), WEBHOOK_REASON_TIMESTAMP_MALFORMED }, /* milliseconds */
        { 2, STR("\xFF\xFE"), WEBHOOK_REASON_TIMESTAMP_MALFORMED },
        { 3, STR("\xFF\xFE\x80"), WEBHOOK_REASON_HEADER_MALFORMED },
        { 3, STR("v9,AAAA"), WEBHOOK_REASON_VERSION_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sign_with(&scene, scene.list, 1);
        scene.headers[cases[i].place].value = cases[i].value;
        if (verdict_of(&scene) != cases[i].reason) {
            fail_msg("case %zu: %s", i, webhook_reason_code(scene.verdict.reason));
        }
    }
    for (uint32_t place = 1; place <= 3; place++) {
        sign_with(&scene, scene.list, 1);
        scene.headers[scene.header_count++] = scene.headers[place];
        assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_HEADER_TWICE);
        sign_with(&scene, scene.list, 1);
        scene.headers[place].name = STR("X-Other");
        assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_HEADER_MISSING);
        expect_words(&scene, place == 1 ? "webhook-id" : place == 2 ? "-timestamp" : "-signature");
    }
    scene_close(&scene);
}

static void too_much_of_everything(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    sign_with(&scene, scene.list, 1);
    struct buf BUF_SCOPE flood;
    buf_init(&flood, 1 << 17);
    while (flood.len < 64 << 10) { /* 64 KiB of signatures, the right one among them */
        buf_append_str(&flood, buf_view(&scene.signature));
        buf_append_byte(&flood, ' ');
    }
    flood.len--;
    scene.headers[3].value = buf_view(&flood);
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_SIGNATURES_TOO_MANY);
    sign_with(&scene, scene.list, 1);
    while (scene.header_count <= WEBHOOK_HEADERS_MAX) header_add(&scene, "X-Filler", STR("x"));
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_TOO_LARGE);
    scene.header_count--;
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    buf_reset(&scene.body);
    assert_non_null(
        memset(buf_extend(&scene.body, WEBHOOK_BODY_SIZE_MAX + 1), ' ', WEBHOOK_BODY_SIZE_MAX + 1));
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_TOO_LARGE);
    scene.body.len--;
    sign_with(&scene, scene.list, 1);
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    scene.body.data[0] = 'x'; /* the dearest diagnosis there is */
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_NO_MATCH);
    scene_close(&scene);
}

static void svix_names_are_read(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    sign_with(&scene, scene.list, 1);
    scene.headers[1].name = STR("svix-id");
    scene.headers[2].name = STR("svix-timestamp");
    scene.headers[3].name = STR("svix-signature");
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_VERIFIED);
    scene_close(&scene);
}

static void nothing_is_looked_for_unless_asked(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    struct signing_key *key = scene_key(&scene, SECRET, "first");
    key->not_after.ns = 1;
    sign_with(&scene, scene.list, 1);
    assert_int_equal(verdict_of(&scene), WEBHOOK_REASON_KEY_EXPIRED);
    const struct webhook_check check = { .policy = &scene.policy,
                                         .keys = scene.list,
                                         .key_count = 1,
                                         .now = { (int64_t)NOW_S * NS_PER_S },
                                         .scratch = &scene.scratch };
    const struct webhook_message message = { scene.headers, scene.header_count,
                                             buf_view(&scene.body) };
    assert_false(webhook_verify(&check, &message, &scene.verdict));
    assert_int_equal(scene.verdict.reason, WEBHOOK_REASON_NO_MATCH);
    scene_close(&scene);
}

static void names_of_schemes_and_reasons(void **state)
{
    (void)state; /* no fixture */
    uint8_t scheme = 0;
    assert_true(webhook_scheme_parse(STR("stripe"), &scheme));
    assert_int_equal(scheme, WEBHOOK_STRIPE);
    assert_false(webhook_scheme_parse(STR("Stripe"), &scheme));
    assert_null(webhook_scheme_name(0));
    assert_null(webhook_scheme_name(WEBHOOK_SCHEME_END));
    for (unsigned i = 0; i < WEBHOOK_REASON_COUNT; i++) {
        assert_true(strlen(webhook_reason_code((enum webhook_reason)i)) > 0);
        assert_true(strlen(webhook_reason_text((enum webhook_reason)i)) > 0);
    }
}

static void sign_bad_id(void *scene)
{
    struct scene *bad = scene;
    const struct webhook_signing signing = {
        &bad->policy, bad->list, 1, STR("a.b"), NOW_S, STR(""), &bad->scratch.message,
    };
    webhook_sign(&signing, &bad->signature); /* it stops before */
}

static void an_id_with_a_dot_is_not_signed(void **state)
{
    (void)state; /* no fixture */
    struct scene scene;
    scene_open(&scene, &STANDARD);
    (void)scene_key(&scene, SECRET, "first");
    assert_true(dies(sign_bad_id, &scene));
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example_verifies),
        cmocka_unit_test(every_scheme_verifies_what_it_signs),
        cmocka_unit_test(id_and_timestamp_are_signed_too),
        cmocka_unit_test(ed25519_signatures),
        cmocka_unit_test(rotation_with_overlap),
        cmocka_unit_test(clocks_and_replays),
        cmocka_unit_test(other_forms_of_the_body_are_named),
        cmocka_unit_test(the_wrong_secret),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(too_much_of_everything),
        cmocka_unit_test(svix_names_are_read),
        cmocka_unit_test(nothing_is_looked_for_unless_asked),
        cmocka_unit_test(names_of_schemes_and_reasons),
        cmocka_unit_test(an_id_with_a_dot_is_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
