#include "tlog/cosignature.h"

#include <stdio.h>

#include "base/check.h"

enum {
    TIME_SIZE = 8,
    HEAD_SIZE = 64, /* "cosignature/v1", "time 9223372036854775807", newlines, terminator */
};
_Static_assert(COSIGNATURE_SIZE == TIME_SIZE + ED25519_SIGNATURE_SIZE, "time, then signature");

/* What is signed: two lines, then the checkpoint. */
struct message {
    size_t len;
    char text[HEAD_SIZE + CHECKPOINT_TEXT_SIZE_MAX];
};

static struct str message_make(struct message *message, uint64_t time_s, struct str text)
{
    CHECK(text.len <= CHECKPOINT_TEXT_SIZE_MAX);
    int len = snprintf(message->text, HEAD_SIZE, "cosignature/v1\ntime %llu\n",
                       (unsigned long long)time_s);
    CHECK(len > 0 && len < HEAD_SIZE);
    memcpy(message->text + len, text.data, text.len);
    message->len = (size_t)len + text.len;
    return (struct str){ message->text, message->len };
}

void cosignature_sign(struct buf *note, struct str text, uint64_t time_s,
                      const struct note_signer *witness)
{
    CHECK(witness->key.kind == NOTE_COSIGNATURE);
    CHECK(time_s <= INT64_MAX);
    struct message message;
    struct ed25519_signature signature =
        ed25519_sign(&witness->seed, message_make(&message, time_s, text));
    uint8_t bytes[COSIGNATURE_SIZE];
    for (unsigned i = 0; i < TIME_SIZE; i++) bytes[i] = (uint8_t)(time_s >> (56 - 8 * i));
    memcpy(bytes + TIME_SIZE, signature.bytes, sizeof signature.bytes);
    note_append_signature(note, &witness->key, bytes, sizeof bytes);
}

/* The signature in these bytes, over the text, at the time that they say. */
static bool is_right(const uint8_t bytes[COSIGNATURE_SIZE], struct str text,
                     const struct note_key *witness, uint64_t *out_time_s)
{
    struct message message;
    struct ed25519_signature signature;
    uint64_t time_s = 0;
    for (unsigned i = 0; i < TIME_SIZE; i++) time_s = time_s << 8 | bytes[i];
    if (time_s > INT64_MAX || text.len > CHECKPOINT_TEXT_SIZE_MAX) return false;
    memcpy(signature.bytes, bytes + TIME_SIZE, sizeof signature.bytes);
    struct str signed_text = message_make(&message, time_s, text);
    if (!ed25519_verify(&witness->public, signed_text, &signature)) return false;
    *out_time_s = time_s;
    return true;
}

enum status cosignature_verify(const struct note *note, const struct note_key *witness,
                               uint64_t *out_time_s, struct error *out_error)
{
    CHECK(witness->kind == NOTE_COSIGNATURE);
    uint8_t bytes[COSIGNATURE_SIZE];
    uint32_t at = 0;
    uint64_t last_s = 0;
    bool verified = false;
    for (;;) {
        uint64_t time_s = 0;
        enum status status = note_signature_by(note, witness, &at, bytes, sizeof bytes);
        if (status == STATUS_NOT_FOUND) break;
        verified = status == STATUS_OK && is_right(bytes, note->text, witness, &time_s);
        if (!verified) {
            return error_set(out_error, STATUS_DENIED, "the cosignature by '%.*s' is wrong",
                             STR_ARG(note_key_name(witness)));
        }
        if (time_s > last_s) last_s = time_s;
    }
    if (!verified) {
        return error_set(out_error, STATUS_NOT_FOUND, "there is no cosignature by '%.*s'",
                         STR_ARG(note_key_name(witness)));
    }
    *out_time_s = last_s;
    return STATUS_OK;
}
