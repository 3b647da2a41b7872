#include "wallet/log_proof.h"

#include "base/base64.h"
#include "base/check.h"
#include "tlog/witness_wire.h"
#include "wallet/log_files.h"

/* ---- Making ---- */

/* What is shown, and files wide enough for it. */
struct folder {
    struct log_files files;
    struct buf note;
    struct tree_head shown;
};

static enum status folder_look(struct log_store *store, struct folder *folder,
                               struct error *out_error)
{
    struct note note;
    struct checkpoint checkpoint;
    struct log_head head = { 0 };
    buf_init(&folder->note, NOTE_SIZE_MAX);
    enum status status = store->read(store, STR("checkpoint"), &folder->note, out_error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(out_error, STATUS_NOT_FOUND, "the log shows no checkpoint yet");
    }
    if (status == STATUS_OK) status = store->head_read(store, &head, out_error);
    if (status != STATUS_OK) return status;
    if (note_parse(buf_view(&folder->note), &note, NULL) != STATUS_OK ||
        checkpoint_parse(note.text, &checkpoint, NULL) != STATUS_OK ||
        checkpoint.head.size > head.size) {
        return error_set(out_error, STATUS_CORRUPT, "the log's checkpoint is damaged");
    }
    folder->shown = checkpoint.head;
    log_files_init(&folder->files, store, head.size);
    return STATUS_OK;
}

static enum status too_small(const struct folder *folder, struct error *out_error)
{
    return error_set(out_error, STATUS_NOT_FOUND, "the checkpoint that is shown has %llu leaves",
                     (unsigned long long)folder->shown.size);
}

static enum status leaf_append(struct folder *folder, uint64_t index, struct buf *out_file,
                               struct error *out_error)
{
    struct leaf leaf;
    struct proof proof = { .index = index, .checkpoint = buf_view(&folder->note) };
    BUF_SCOPE struct buf extra;
    buf_init(&extra, PROOF_EXTRA_LEN_MAX);
    if (index >= folder->shown.size) return too_small(folder, out_error);
    enum status status = log_files_leaf(&folder->files, index, &leaf, out_error);
    if (status == STATUS_OK) {
        status = log_files_prove(&folder->files, LOG_PROVE_LEAF, index, folder->shown.size,
                                 &proof.inclusion, out_error);
    }
    if (status != STATUS_OK) return status;
    struct str bytes = leaf_bytes(&leaf);
    base64_append(&extra, bytes.data, bytes.len);
    CHECK(buf_status(&extra) == STATUS_OK);
    proof.extra = buf_view(&extra);
    proof_format(&proof, out_file);
    return buf_status(out_file);
}

static enum status growth_append(struct folder *folder, uint64_t old_size, struct buf *out_file,
                                 struct error *out_error)
{
    struct witness_request request = { .old_size = old_size,
                                       .checkpoint = buf_view(&folder->note) };
    if (old_size > folder->shown.size) return too_small(folder, out_error);
    enum status status = log_files_prove(&folder->files, LOG_PROVE_GROWTH, old_size,
                                         folder->shown.size, &request.proof, out_error);
    if (status != STATUS_OK) return status;
    witness_request_format(&request, out_file);
    return buf_status(out_file);
}

/* Beside a server tiles are outgrown: then there is a newer head, and it is tried once more. */
static enum status append(struct log_store *store, enum log_prove what, uint64_t at,
                          struct buf *out_file, struct error *out_error)
{
    enum status status = STATUS_NOT_FOUND;
    uint64_t tried = 0;
    while (status == STATUS_NOT_FOUND) {
        struct folder folder = { 0 };
        enum status looked = folder_look(store, &folder, out_error);
        bool again = looked == STATUS_OK && folder.files.size != tried;
        tried = folder.files.size;
        if (again) {
            status = what == LOG_PROVE_LEAF ? leaf_append(&folder, at, out_file, out_error)
                                            : growth_append(&folder, at, out_file, out_error);
        }
        buf_free(&folder.note);
        if (looked != STATUS_OK) return looked;
        if (!again) break; /* the error was filled the time before */
    }
    return status;
}

enum status log_proof_leaf(struct log_store *store, uint64_t index, struct buf *out_file,
                           struct error *out_error)
{
    return append(store, LOG_PROVE_LEAF, index, out_file, out_error);
}

enum status log_proof_growth(struct log_store *store, uint64_t old_size, struct buf *out_file,
                             struct error *out_error)
{
    return append(store, LOG_PROVE_GROWTH, old_size, out_file, out_error);
}

enum status log_proof_find(struct log_store *store, uint64_t batch, uint32_t unit,
                           uint64_t *out_index, struct error *out_error)
{
    struct leaf leaf;
    struct folder folder = { 0 };
    enum status status = folder_look(store, &folder, out_error);
    if (status == STATUS_OK) {
        status = log_files_find(&folder.files, batch, unit, out_index, &leaf, out_error);
        if (status == STATUS_NOT_FOUND) {
            (void)error_set(out_error, status, "no unit at this position is signed"); /* as it is */
        }
    }
    buf_free(&folder.note);
    return status;
}

/* ---- Verifying ---- */

static enum status leaf_verify(struct str file, const struct proof_trust *trust,
                               struct log_proof_facts *facts, struct error *out_error)
{
    uint8_t bytes[sizeof(struct leaf)];
    size_t size = 0;
    struct leaf leaf;
    struct proof proof;
    enum status status = proof_parse(file, &proof, out_error);
    if (status != STATUS_OK) return status;
    if (base64_parse(proof.extra, sizeof bytes, bytes, &size) != STATUS_OK || size == 0) {
        return error_set(out_error, STATUS_INVALID, "the proof does not hold the entry");
    }
    struct digest hash = tree_leaf(bytes, size);
    status = proof_verify(&proof, &hash, trust, &facts->proof, out_error);
    if (status != STATUS_OK) return status;
    status = leaf_parse((struct str){ (const char *)bytes, size }, &leaf, out_error);
    if (status != STATUS_OK) return status;
    facts->index = proof.index;
    facts->place = leaf.head;
    return STATUS_OK;
}

static enum status growth_verify(struct str file, struct str old, const struct proof_trust *trust,
                                 struct log_proof_facts *facts, struct error *out_error)
{
    struct witness_request request;
    struct proof_facts kept;
    /* What was kept may be from before there were witnesses. */
    const struct proof_trust log_alone = { .log = trust->log, .origin = trust->origin };
    enum status status = witness_request_parse(file, &request, out_error);
    if (status != STATUS_OK) return status;
    if (old.len == 0) {
        return error_set(out_error, STATUS_INVALID,
                         "a proof of growth wants the checkpoint that was kept");
    }
    status = proof_checkpoint_open(old, &log_alone, &kept, out_error);
    if (status != STATUS_OK) return status;
    if (kept.head.size != request.old_size) {
        return error_set(out_error, STATUS_INVALID,
                         "the proof begins at %llu leaves, and what was kept has %llu",
                         (unsigned long long)request.old_size, (unsigned long long)kept.head.size);
    }
    status = proof_checkpoint_open(request.checkpoint, trust, &facts->proof, out_error);
    if (status != STATUS_OK) return status;
    facts->grown = true;
    facts->old_size = kept.head.size;
    return tree_verify_consistency(&kept.head, &facts->proof.head, &request.proof, out_error);
}

enum status log_proof_verify(struct str file, struct str old, const struct proof_trust *trust,
                             struct log_proof_facts *out_facts, struct error *out_error)
{
    struct log_proof_facts facts = { 0 };
    enum status status = str_starts(file, STR("old "))
                             ? growth_verify(file, old, trust, &facts, out_error)
                             : leaf_verify(file, trust, &facts, out_error);
    if (status == STATUS_OK) *out_facts = facts;
    return status;
}
