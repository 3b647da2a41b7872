#include "tlog/witness_wire.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/decimal.h"

#define OLD STR("old ")

/* ---- Requests ---- */

static enum status not_a_request(struct error *out_error, const char *why)
{
    enum status status =
        error_set(out_error, STATUS_INVALID, "this is not an add-checkpoint request");
    error_detail(out_error, "%s", why);
    return status;
}

static enum status parse_proof(struct str *rest, struct tree_proof *out_proof,
                               struct error *out_error)
{
    struct tree_proof proof = { 0 };
    struct str line;
    for (;;) {
        if (!str_take_line(rest, &line)) {
            return not_a_request(out_error, "there is no empty line behind the proof");
        }
        if (line.len == 0) break;
        if (proof.count == WITNESS_PROOF_HASHES_MAX) {
            return not_a_request(out_error, "the proof has more than 63 lines");
        }
        struct digest *hash = &proof.hashes[proof.count++];
        if (base64_parse_exact(line, hash->bytes, sizeof hash->bytes) != STATUS_OK) {
            return not_a_request(out_error, "a line of the proof is no hash in base64");
        }
    }
    *out_proof = proof;
    return STATUS_OK;
}

enum status witness_request_parse(struct str bytes, struct witness_request *out_request,
                                  struct error *out_error)
{
    struct witness_request request = { 0 };
    struct str rest = bytes;
    struct str line;
    if (bytes.len > WITNESS_REQUEST_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "an add-checkpoint request has at most %d bytes",
                         WITNESS_REQUEST_SIZE_MAX);
    }
    if (!str_take_line(&rest, &line) || !str_starts(line, OLD)) {
        return not_a_request(out_error, "it does not begin with a line of 'old ' and a size");
    }
    struct str size = { line.data + OLD.len, line.len - OLD.len };
    if (decimal_parse(size, TREE_SIZE_MAX, &request.old_size) != STATUS_OK) {
        return not_a_request(out_error, "the old size is no number");
    }
    enum status status = parse_proof(&rest, &request.proof, out_error);
    if (status != STATUS_OK) return status;
    if (rest.len == 0) return not_a_request(out_error, "there is no checkpoint");
    request.checkpoint = rest;
    *out_request = request;
    return STATUS_OK;
}

void witness_request_format(const struct witness_request *request, struct buf *bytes)
{
    CHECK(request->proof.count <= WITNESS_PROOF_HASHES_MAX);
    buf_append_format(bytes, "old %llu\n", (unsigned long long)request->old_size);
    for (uint32_t i = 0; i < request->proof.count; i++) {
        base64_append(bytes, request->proof.hashes[i].bytes, sizeof request->proof.hashes[i]);
        buf_append_byte(bytes, '\n');
    }
    buf_append_byte(bytes, '\n');
    buf_append_str(bytes, request->checkpoint);
}

/* ---- Answers ---- */

static void failed(struct witness_answer *answer, struct error *out_error, const char *why)
{
    answer->kind = WITNESS_ANSWER_FAILED;
    (void)error_set(out_error, STATUS_INVALID, "%s", why); /* the kind says it */
}

/* Signature lines behind a text are a note: so they are read. */
static void read_cosignature(struct str body, const struct witness_asked *asked,
                             struct witness_answer *answer, struct error *out_error)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, CHECKPOINT_TEXT_SIZE_MAX + 1 + WITNESS_ANSWER_SIZE_MAX);
    buf_append_str(&bytes, asked->text);
    buf_append_byte(&bytes, '\n');
    buf_append_str(&bytes, body);
    struct note note;
    uint32_t at = 0;
    if (buf_status(&bytes) != STATUS_OK ||
        note_parse(buf_view(&bytes), &note, out_error) != STATUS_OK ||
        !str_equal(note.text, asked->text)) {
        failed(answer, out_error, "what it answered is no signature line");
        return;
    }
    enum status status = cosignature_verify(&note, asked->witness, &answer->time_s, out_error);
    if (status == STATUS_OK) {
        status = note_signature_by(&note, asked->witness, &at, answer->cosignature,
                                   sizeof answer->cosignature);
    }
    answer->kind = status == STATUS_OK ? WITNESS_ANSWER_COSIGNED : WITNESS_ANSWER_FAILED;
}

/* A size and a newline; the same size again means that its tree of that size is another one. */
static void read_size(struct str body, const struct witness_asked *asked,
                      struct witness_answer *answer, struct error *out_error)
{
    struct str line;
    bool good = str_take_line(&body, &line) && body.len == 0 &&
                decimal_parse(line, TREE_SIZE_MAX, &answer->size) == STATUS_OK;
    if (!good) {
        failed(answer, out_error, "it answered a conflict without a size");
        return;
    }
    answer->kind = WITNESS_ANSWER_OTHER_SIZE;
    if (answer->size != asked->old_size) return;
    answer->kind = WITNESS_ANSWER_FORKED;
    (void)error_set(out_error, STATUS_CONFLICT, /* the kind says it */
                    "it has another tree of the same size");
}

void witness_answer_read(unsigned http_status, struct str body, const struct witness_asked *asked,
                         struct witness_answer *out_answer, struct error *out_error)
{
    struct witness_answer answer = { 0 };
    if (http_status == 200) {
        read_cosignature(body, asked, &answer, out_error);
    } else if (http_status == 409) {
        read_size(body, asked, &answer, out_error);
    } else if (http_status == 422) {
        answer.kind = WITNESS_ANSWER_FORKED;
        (void)error_set(out_error, STATUS_CONFLICT, /* the kind says it */
                        "it finds the checkpoint inconsistent with the one it cosigned");
    } else if (http_status >= 400 && http_status < 500 && http_status != 408 &&
               http_status != 429) {
        answer.kind = WITNESS_ANSWER_REFUSED;
        (void)error_set(out_error, STATUS_DENIED, "it answered %u", http_status); /* as above */
        error_hint(out_error, "403 and 404: it does not know this log's key, or its origin");
    } else {
        answer.kind = WITNESS_ANSWER_FAILED;
        (void)error_set(out_error, STATUS_UNAVAILABLE, "it answered %u",
                        http_status); /* the same */
    }
    *out_answer = answer;
}
