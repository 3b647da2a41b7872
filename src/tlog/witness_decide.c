#include "tlog/witness_decide.h"

#include "base/check.h"

static const struct {
    unsigned http;
    const char *code;
    const char *text;
} outcomes[WITNESS_OUTCOME_COUNT] = {
#define WITNESS_OUTCOME_ROW(name, http, code, text) { http, code, text },
    WITNESS_OUTCOME_TABLE(WITNESS_OUTCOME_ROW)
#undef WITNESS_OUTCOME_ROW
};

unsigned witness_outcome_http(enum witness_outcome outcome)
{
    CHECK(outcome < WITNESS_OUTCOME_COUNT);
    return outcomes[outcome].http;
}

const char *witness_outcome_code(enum witness_outcome outcome)
{
    CHECK(outcome < WITNESS_OUTCOME_COUNT);
    return outcomes[outcome].code;
}

const char *witness_outcome_text(enum witness_outcome outcome)
{
    CHECK(outcome < WITNESS_OUTCOME_COUNT);
    return outcomes[outcome].text;
}

static enum witness_outcome end(enum witness_outcome outcome, struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "%s", /* the outcome is what is passed on */
                    witness_outcome_text(outcome));
    return outcome;
}

/* By one of the log's keys at least, and wrong by none of them. */
static enum witness_outcome signature_verify(const struct witness_submission *submission,
                                             const struct note_key *keys, uint32_t key_count,
                                             struct error *out_error)
{
    bool known = false;
    bool verified = false;
    for (uint32_t i = 0; i < key_count; i++) {
        if (!str_equal(note_key_name(&keys[i]), submission->checkpoint.origin)) continue;
        known = true;
        enum status status = note_verify(&submission->note, &keys[i], NULL);
        if (status == STATUS_DENIED) return end(WITNESS_WRONG_SIGNATURE, out_error);
        verified = verified || status == STATUS_OK;
    }
    if (verified) return WITNESS_COSIGNED;
    return end(known ? WITNESS_NOT_SIGNED : WITNESS_UNKNOWN_LOG, out_error);
}

enum witness_outcome witness_submission_open(struct str bytes, const struct note_key *keys,
                                             uint32_t key_count,
                                             struct witness_submission *out_submission,
                                             struct error *out_error)
{
    for (uint32_t i = 0; i < key_count; i++) CHECK(keys[i].kind == NOTE_ED25519);
    struct witness_submission *submission = out_submission;
    if (witness_request_parse(bytes, &submission->request, out_error) != STATUS_OK ||
        note_parse(submission->request.checkpoint, &submission->note, out_error) != STATUS_OK ||
        checkpoint_parse(submission->note.text, &submission->checkpoint, out_error) != STATUS_OK) {
        return WITNESS_MALFORMED;
    }
    return signature_verify(submission, keys, key_count, out_error);
}

enum witness_outcome witness_decide(const struct witness_submission *submission,
                                    const struct tree_head *last, struct error *out_error)
{
    const struct witness_request *request = &submission->request;
    const struct tree_head *head = &submission->checkpoint.head;
    struct tree_head old = *last;
    if (old.size == 0) old.root = tree_empty_root();
    if (request->old_size > head->size) return end(WITNESS_BACKWARDS, out_error);
    if (request->old_size != old.size) return end(WITNESS_OTHER_SIZE, out_error);
    if (head->size == old.size && !digest_equal(&head->root, &old.root)) {
        return end(WITNESS_FORKED, out_error);
    }
    enum status status = tree_verify_consistency(&old, head, &request->proof, out_error);
    return status == STATUS_OK ? WITNESS_COSIGNED : WITNESS_INCONSISTENT;
}
