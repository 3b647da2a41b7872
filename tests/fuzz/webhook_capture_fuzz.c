/*
 * Goal: no captured webhook makes the reading or the judging crash; what is written is a record.
 * Method: the input as a capture's line, with a secret of each kind of scheme in turn.
 */
#include "base/check.h"
#include "doctor/webhook_capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct webhook_judge *judge, const struct value_map *map,
                  const struct webhook_capture *capture, size_t size)
{
    struct arena tree;
    struct mask_counts masked = { 0 };
    struct json_reader reader;
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    if (arena_init(&tree, 25 * size + (1 << 20)) != STATUS_OK) return;
    const struct webhook_writing writing = { judge, map, &tree, &out, &masked };
    if (webhook_capture_write(capture, &writing) && !out.overflow) {
        arena_reset(&tree);
        json_reader_init(&reader, buf_view(&out), &tree);
        CHECK(json_skip(&reader));
        CHECK(json_end(&reader) == STATUS_OK);
    }
    arena_done(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t schemes[] = { WEBHOOK_STANDARD, WEBHOOK_STRIPE, WEBHOOK_PLAIN };
    struct value_map map = { 0 };
    struct webhook_judge one = { .key_count = 1 };
    struct signing_key key;
    struct webhook_capture capture;
    struct arena arena;
    const struct json_node *root;
    const char *reason;
    if (arena_init(&arena, 27 * size + (64 << 10)) != STATUS_OK) return 0;
    CHECK(value_map_parse(&map, "webhook", str_from(webhook_capture_paths), NULL) == STATUS_OK);
    CHECK(signing_key_parse(STR("whsec_c2VjcmV0c2VjcmV0c2VjcmV0"), &key) == STATUS_OK);
    buf_init(&one.scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&one.scratch.form, WEBHOOK_SCRATCH_SIZE);
    one.keys[0] = &key;
    one.policy = (struct webhook_policy){ .tolerance_s = 300, .signature_header = "x-signature" };
    bool read =
        json_tree_parse((struct str){ (const char *)data, size }, &arena, &root, NULL) == STATUS_OK;
    if (read && webhook_capture_read(root, "in", &arena, &capture, &reason)) {
        for (size_t i = 0; i < sizeof schemes; i++) {
            one.policy.scheme = schemes[i];
            judge(&one, &map, &capture, size);
        }
    }
    buf_free(&one.scratch.message);
    buf_free(&one.scratch.form);
    signing_key_done(&key);
    arena_done(&arena);
    return 0;
}
