#include "cmd/trust.h"

#include "cmd/note_keys.h"

/* --witnesses: keys with commas between; --quorum of them must have cosigned. */
static enum status witnesses_parse(const struct invocation *invocation, struct trust *trust,
                                   struct error *out_error)
{
    const char *text = invocation_text(invocation, "witnesses");
    uint32_t count = 0;
    const struct note_keys_option option = { "witnesses", NOTE_COSIGNATURE, TRUST_WITNESSES_MAX,
                                             "tpwallet log witness key" };
    if (text != NULL && note_keys_parse(&option, str_from(text), trust->witnesses, &count,
                                        out_error) != STATUS_OK) {
        return STATUS_INVALID;
    }
    uint64_t quorum = count;
    enum status status = invocation_number(invocation, "quorum", (struct number_range){ 0, count },
                                           &quorum, out_error);
    trust->proof.witnesses = trust->witnesses;
    trust->proof.witness_count = count;
    trust->proof.quorum = (uint32_t)quorum;
    return status;
}

enum status trust_parse(const struct invocation *invocation, struct trust *out_trust,
                        struct error *out_error)
{
    const char *key = invocation_text(invocation, "key");
    if (key == NULL) {
        enum status status = error_set(out_error, STATUS_INVALID, "--key is missing");
        error_hint(out_error, "the log's public key, from whom you trust: `tpwallet log key`");
        return status;
    }
    if (note_key_parse(str_from(key), &out_trust->log) != STATUS_OK ||
        out_trust->log.kind != NOTE_ED25519) {
        return error_set(out_error, STATUS_INVALID, "--key is not the public key of a log");
    }
    out_trust->proof.log = &out_trust->log;
    out_trust->proof.origin = note_key_name(&out_trust->log);
    return witnesses_parse(invocation, out_trust, out_error);
}
