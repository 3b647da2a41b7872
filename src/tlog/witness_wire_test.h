/* witness_wire_test.h - for tests: a log as a tree in memory, and the requests that it sends. */
#ifndef TLOG_WITNESS_WIRE_TEST_H
#define TLOG_WITNESS_WIRE_TEST_H

#include "tlog/note_test.h"
#include "tlog/tree_test.h"
#include "tlog/witness_wire.h"

/* salt: another one is another history, from the first leaf on. */
struct test_log {
    struct memory_tree memory;
    struct note_signer signer;
};

static inline void test_log_init(struct test_log *log, const char *origin, uint64_t size,
                                 uint64_t salt)
{
    memory_tree_init(&log->memory, size, salt);
    test_signer(&log->signer, origin, NOTE_ED25519, 1);
}

static inline void test_log_done(struct test_log *log)
{
    memory_tree_done(&log->memory);
}

static inline struct digest test_log_root(struct test_log *log, uint64_t size)
{
    struct digest root;
    enum status status = tree_read_root(&log->memory.reader, size, &root);
    CHECK(status == STATUS_OK);
    return root;
}

/* The checkpoint's text. */
static inline void test_log_text(struct test_log *log, uint64_t size, struct buf *out_text)
{
    const struct checkpoint checkpoint = {
        .origin = note_key_name(&log->signer.key),
        .head = { size, test_log_root(log, size) },
    };
    buf_reset(out_text);
    enum status status = checkpoint_format(&checkpoint, out_text);
    CHECK(status == STATUS_OK);
}

/* A request that is right, from old_size to size; signed when `sign`, else by nobody known. */
static inline void test_log_request(struct test_log *log, uint64_t old_size, uint64_t size,
                                    bool sign, struct buf *out_bytes)
{
    struct witness_request request = { .old_size = old_size };
    struct note_signer stranger;
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf note;
    buf_init(&text, CHECKPOINT_TEXT_SIZE_MAX);
    buf_init(&note, NOTE_SIZE_MAX);
    test_log_text(log, size, &text);
    test_signer(&stranger, "stranger", NOTE_ED25519, 200);
    note_begin(&note, buf_view(&text));
    note_sign(&note, buf_view(&text), sign ? &log->signer : &stranger);
    request.checkpoint = buf_view(&note);
    if (old_size <= size) {
        enum status status =
            tree_prove_consistency(&log->memory.reader, old_size, size, &request.proof);
        CHECK(status == STATUS_OK);
    }
    buf_reset(out_bytes);
    witness_request_format(&request, out_bytes);
    CHECK(buf_status(out_bytes) == STATUS_OK);
}

#endif
