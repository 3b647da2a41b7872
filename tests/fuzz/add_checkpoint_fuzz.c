/*
 * Goal: whatever bytes come as an add-checkpoint request or as a witness's answer, the parsers stay
 * inside them, a request has one text, and nothing is cosigned that the log did not sign.
 * Method: what is accepted is written again and compared; decided with a log's key of its own origin
 * that signed nothing; the input as an answer of each status.
 */
#include <stdint.h>

#include "base/check.h"
#include "tlog/witness_decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_request(struct str input)
{
    struct witness_request request;
    struct error error;
    if (witness_request_parse(input, &request, &error) != STATUS_OK) return;
    struct buf again;
    buf_init(&again, WITNESS_REQUEST_SIZE_MAX);
    witness_request_format(&request, &again);
    CHECK(str_equal(buf_view(&again), input));
    buf_free(&again);
}

/* RFC 8032, section 7.1, test 1: a key of small order would verify what nobody signed. */
static const struct ed25519_public public = { { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                                0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                                0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                                0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a } };

static void decide(struct str input)
{
    /* Its own origin as the name: so that the signature is looked at. */
    struct witness_submission submission = { 0 };
    struct note_key key = {
        .kind = NOTE_ED25519, .public = public, .name_len = 1, .name = { 'a' }
    };
    struct error error;
    enum witness_outcome outcome = witness_submission_open(input, &key, 1, &submission, &error);
    CHECK(outcome != WITNESS_COSIGNED);
    if (outcome == WITNESS_MALFORMED) return;
    struct str origin = submission.checkpoint.origin;
    if (origin.len > NOTE_NAME_LEN_MAX) return;
    key.name_len = origin.len;
    memcpy(key.name, origin.data, origin.len);
    key.id = submission.note.signatures[0].id;
    outcome = witness_submission_open(input, &key, 1, &submission, &error);
    CHECK(outcome == WITNESS_NOT_SIGNED || outcome == WITNESS_WRONG_SIGNATURE);
    /* As if it had been signed: no proof leads from a root that nobody made. */
    struct tree_head last = { .size = submission.request.old_size };
    outcome = witness_decide(&submission, &last, &error);
    bool unchanged =
        submission.checkpoint.head.size == last.size; /* it may have guessed the root */
    CHECK(outcome != WITNESS_COSIGNED || last.size == 0 || unchanged);
}

static void read_answers(struct str input)
{
    static const unsigned statuses[] = { 200, 409, 422, 404, 500 };
    const struct note_key key = {
        .kind = NOTE_COSIGNATURE, .public = public, .name_len = 1, .name = { 'a' }
    };
    const struct witness_asked asked = { STR("a\n1\n"), 1, &key };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct witness_answer answer;
        struct error error;
        witness_answer_read(statuses[i], input, &asked, &answer, &error);
        CHECK(answer.kind != WITNESS_ANSWER_COSIGNED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    parse_request(input);
    decide(input);
    read_answers(input);
    return 0;
}
