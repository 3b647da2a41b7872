#include "tlog/proof.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/decimal.h"

#define HEADER STR("c2sp.org/tlog-proof@v1")
#define EXTRA STR("extra ")
#define INDEX STR("index ")

static enum status not_a_proof(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "this is not a proof of a log");
    error_detail(out_error, "%s", why);
    return status;
}

static struct str behind(struct str text, struct str prefix)
{
    return (struct str){ text.data + prefix.len, text.len - prefix.len };
}

/* Not empty, and what base64_format() could have written. */
static bool is_extra(struct str extra)
{
    uint8_t bytes[48];
    size_t size;
    if (extra.len == 0 || extra.len > PROOF_EXTRA_LEN_MAX || extra.len % 4 != 0) return false;
    for (size_t at = 0; at < extra.len; at += 64) {
        size_t left = extra.len - at;
        struct str some = { extra.data + at, left < 64 ? left : 64 };
        if (base64_parse(some, sizeof bytes, bytes, &size) != STATUS_OK) return false;
        if (left > 64 && size != sizeof bytes) return false; /* padding, and more behind it */
    }
    return true;
}

static enum status parse_hashes(struct str *rest, struct tree_proof *out_inclusion,
                                struct error *out_error)
{
    struct tree_proof inclusion = { 0 };
    struct str line;
    for (;;) {
        if (!str_take_line(rest, &line)) return not_a_proof(out_error, "it has no checkpoint");
        if (line.len == 0) break;
        if (inclusion.count == TREE_PROOF_HASHES_MAX) {
            return error_set(out_error, STATUS_LIMIT, "a proof has at most %d hashes",
                             TREE_PROOF_HASHES_MAX);
        }
        struct digest *hash = &inclusion.hashes[inclusion.count++];
        if (base64_parse_exact(line, hash->bytes, sizeof hash->bytes) != STATUS_OK) {
            return not_a_proof(out_error, "a line is no hash");
        }
    }
    *out_inclusion = inclusion;
    return STATUS_OK;
}

enum status proof_parse(struct str bytes, struct proof *out_proof, struct error *out_error)
{
    struct proof proof = { 0 };
    struct str rest = bytes;
    struct str line;
    if (bytes.len > PROOF_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "a proof has at most %d bytes", PROOF_SIZE_MAX);
    }
    if (!str_take_line(&rest, &line) || !str_equal(line, HEADER)) {
        return not_a_proof(out_error, "it does not begin with c2sp.org/tlog-proof@v1");
    }
    if (!str_take_line(&rest, &line)) return not_a_proof(out_error, "it has no index");
    if (str_starts(line, EXTRA)) {
        proof.extra = behind(line, EXTRA);
        if (!is_extra(proof.extra)) return not_a_proof(out_error, "its extra data is not base64");
        if (!str_take_line(&rest, &line)) return not_a_proof(out_error, "it has no index");
    }
    if (!str_starts(line, INDEX) ||
        decimal_parse(behind(line, INDEX), TREE_SIZE_MAX - 1, &proof.index) != STATUS_OK) {
        return not_a_proof(out_error, "it has no index");
    }
    enum status status = parse_hashes(&rest, &proof.inclusion, out_error);
    if (status != STATUS_OK) return status;
    if (rest.len == 0) return not_a_proof(out_error, "it has no checkpoint");
    proof.checkpoint = rest;
    *out_proof = proof;
    return STATUS_OK;
}

void proof_format(const struct proof *proof, struct buf *bytes)
{
    buf_append_str(bytes, HEADER);
    buf_append_byte(bytes, '\n');
    if (proof->extra.len > 0) {
        CHECK(is_extra(proof->extra));
        buf_append_str(bytes, EXTRA);
        buf_append_str(bytes, proof->extra);
        buf_append_byte(bytes, '\n');
    }
    buf_append_format(bytes, "index %llu\n", (unsigned long long)proof->index);
    for (uint32_t i = 0; i < proof->inclusion.count; i++) {
        base64_append(bytes, proof->inclusion.hashes[i].bytes, sizeof proof->inclusion.hashes[i]);
        buf_append_byte(bytes, '\n');
    }
    buf_append_byte(bytes, '\n');
    buf_append_str(bytes, proof->checkpoint);
}

static enum status verify_witnesses(const struct note *note, const struct proof_trust *trust,
                                    struct proof_facts *facts, struct error *out_error)
{
    for (uint32_t i = 0; i < trust->witness_count; i++) {
        uint64_t time_s;
        enum status status = cosignature_verify(note, &trust->witnesses[i], &time_s, out_error);
        if (status == STATUS_NOT_FOUND) continue;
        if (status != STATUS_OK) return status;
        facts->cosigned_by++;
        if (time_s > facts->cosigned_s) facts->cosigned_s = time_s;
    }
    if (facts->cosigned_by >= trust->quorum) return STATUS_OK;
    return error_set(out_error, STATUS_DENIED, "%u witnesses cosigned the checkpoint, not %u",
                     facts->cosigned_by, trust->quorum);
}

enum status proof_checkpoint_open(struct str checkpoint, const struct proof_trust *trust,
                                  struct proof_facts *out_facts, struct error *out_error)
{
    struct note note;
    struct checkpoint opened;
    struct proof_facts facts = { 0 };
    enum status status = note_parse(checkpoint, &note, out_error);
    if (status != STATUS_OK) return status;
    status = checkpoint_open(&note, trust->log, trust->origin, &opened, out_error);
    if (status != STATUS_OK) return status;
    status = verify_witnesses(&note, trust, &facts, out_error);
    if (status != STATUS_OK) return status;
    facts.head = opened.head;
    *out_facts = facts;
    return STATUS_OK;
}

enum status proof_verify(const struct proof *proof, const struct digest *leaf,
                         const struct proof_trust *trust, struct proof_facts *out_facts,
                         struct error *out_error)
{
    struct proof_facts facts;
    enum status status = proof_checkpoint_open(proof->checkpoint, trust, &facts, out_error);
    if (status != STATUS_OK) return status;
    status = tree_verify_inclusion(&facts.head, proof->index, leaf, &proof->inclusion, out_error);
    if (status != STATUS_OK) return status;
    *out_facts = facts;
    return STATUS_OK;
}
