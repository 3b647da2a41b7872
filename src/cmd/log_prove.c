/* tpwallet log prove, log prove verify: files that show others what the log holds, or that it grew. */
#include <inttypes.h>

#include "adapter/file_log_store.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "cmd/trust.h"
#include "model/position.h"
#include "wallet/log_proof.h"

/* ---- Making ---- */

/* The index that --leaf or --at names. */
static enum status index_read(const struct invocation *invocation, struct log_store *files,
                              uint64_t *out_index, struct error *out_error)
{
    const char *at = invocation_text(invocation, "at");
    struct position position;
    if (at == NULL) {
        const struct number_range range = { 0, TREE_SIZE_MAX - 1 };
        return invocation_number(invocation, "leaf", range, out_index, out_error);
    }
    if (!position_parse(str_from(at), &position) || position.index == POSITION_INDEX_END) {
        return error_set(out_error, STATUS_INVALID, "'%s' is not the position of a unit: 1207-3",
                         at);
    }
    return log_proof_find(files, position.batch, position.index, out_index, out_error);
}

static enum status proof_make(const struct invocation *invocation, struct log_store *files,
                              struct buf *out_file, struct error *out_error)
{
    uint64_t number = 0;
    if (!invocation_has(invocation, "from-size")) {
        enum status status = index_read(invocation, files, &number, out_error);
        if (status != STATUS_OK) return status;
        return log_proof_leaf(files, number, out_file, out_error);
    }
    const struct number_range range = { 1, TREE_SIZE_MAX };
    enum status status = invocation_number(invocation, "from-size", range, &number, out_error);
    if (status != STATUS_OK) return status;
    return log_proof_growth(files, number, out_file, out_error);
}

static int prove_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct log_store *files = NULL;
    BUF_SCOPE struct buf file;
    buf_init(&file, LOG_PROOF_SIZE_MAX);
    int given = invocation_has(invocation, "leaf") + invocation_has(invocation, "at") +
                invocation_has(invocation, "from-size");
    enum status status = STATUS_OK;
    if (given != 1) {
        status = error_set(&error, STATUS_INVALID, "one of --leaf, --at and --from-size is wanted");
    }
    if (status == STATUS_OK) status = file_log_store_open(invocation->data, true, &files, &error);
    if (status == STATUS_OK) status = proof_make(invocation, files, &file, &error);
    if (files != NULL) files->close(files);
    if (status != STATUS_OK) return report_error(invocation, &error);
    if (!invocation->json) return report_text(invocation, buf_view(&file));
    BUF_SCOPE struct buf out;
    buf_init(&out, 2 * LOG_PROOF_SIZE_MAX);
    struct json_writer json;
    json_writer_init(&json, &out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("proof"));
    json_write_string(&json, buf_view(&file));
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

static const struct option prove_options[] = {
    { "leaf", "INDEX", "that this leaf is in the log; the first is 0", NULL },
    { "at", "POSITION", "that the unit at this position is: 1207-3, as stories and writes show it",
      NULL },
    { "from-size", "COUNT", "that the first so many leaves are the beginning of what is shown",
      NULL },
    { 0 },
};

const struct command command_log_prove = {
    .name = "log prove",
    .summary = "write a proof that a unit is in the log, or that the log only grew",
    .details =
        "For others, who verify it with the log's key alone: `tpwallet log prove verify`, or their\n"
        "own tools. A unit's proof is a C2SP tlog-proof with the leaf in it; the leaf shows the\n"
        "unit's place and time, and hides its records (`tpwallet receipt verify` is for a payment's\n"
        "record). A proof of growth is an old size, a consistency proof of RFC 6962 and the\n"
        "checkpoint, as C2SP tlog-witness has it. Both are under the checkpoint that is shown, with\n"
        "its cosignatures. Reads only, beside a server too.",
    .options = prove_options,
    .examples = "log prove --at 1207-3\n"
                "log prove --from-size 4711",
    .run = prove_run,
};

/* ---- Verifying ---- */

static void facts_text(const struct log_proof_facts *facts, const struct trust *trust,
                       struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    if (facts->grown) {
        buf_append_format(out, "verified    the first %" PRIu64 " leaves are as they were\n",
                          facts->old_size);
    } else {
        buf_append_format(out, "verified    leaf %" PRIu64 " is in the log\n", facts->index);
        buf_append_format(out, "at          %.*s, batch %" PRIu64 ", unit %u, lane %u\n",
                          STR_ARG(wall_time_format(facts->place.stamp, time)), facts->place.batch,
                          facts->place.unit, facts->place.lane);
    }
    buf_append_format(out, "log         %.*s: %" PRIu64 " leaves\n", STR_ARG(trust->proof.origin),
                      facts->proof.head.size);
    buf_append_format(out, "witnesses   %u of %u cosigned\n", facts->proof.cosigned_by,
                      trust->proof.witness_count);
}

static void number(struct json_writer *json, struct str name, uint64_t value)
{
    json_write_key(json, name);
    json_write_uint64(json, value);
}

static void facts_json(const struct log_proof_facts *facts, const struct trust *trust,
                       struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("verified"));
    json_write_bool(&json, true);
    json_write_key(&json, STR("origin"));
    json_write_string(&json, trust->proof.origin);
    if (facts->grown) {
        number(&json, STR("old_size"), facts->old_size);
    } else {
        number(&json, STR("index"), facts->index);
        number(&json, STR("lane"), facts->place.lane);
        number(&json, STR("batch"), facts->place.batch);
        number(&json, STR("unit"), facts->place.unit);
    }
    number(&json, STR("tree_size"), facts->proof.head.size);
    number(&json, STR("cosigned_by"), facts->proof.cosigned_by);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static int verify_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct trust trust = { 0 };
    struct log_proof_facts facts;
    BUF_SCOPE struct buf file;
    BUF_SCOPE struct buf kept;
    BUF_SCOPE struct buf out;
    buf_init(&file, LOG_PROOF_SIZE_MAX);
    buf_init(&kept, NOTE_SIZE_MAX);
    buf_init(&out, 16 << 10);
    const char *path = invocation_text(invocation, "checkpoint");
    enum status status = trust_parse(invocation, &trust, &error);
    if (status == STATUS_OK) status = file_bytes_read(invocation->positionals[0], &file, &error);
    if (status == STATUS_OK && path != NULL) status = file_bytes_read(path, &kept, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    status = log_proof_verify(buf_view(&file), buf_view(&kept), &trust.proof, &facts, &error);
    if (status != STATUS_OK) return report_refused(invocation, &error);
    if (invocation->json) {
        facts_json(&facts, &trust, &out);
    } else {
        facts_text(&facts, &trust, &out);
    }
    return report_text(invocation, buf_view(&out));
}

static const struct positional verify_positional[] = {
    { "FILE", "the proof, as `tpwallet log prove` writes it", false },
    { 0 },
};

static const struct option verify_options[] = {
    TRUST_OPTIONS,
    { "checkpoint", "FILE", "of growth: the checkpoint that you kept, of the size it begins at",
      NULL },
    { 0 },
};

const struct command command_log_prove_verify = {
    .name = "log prove verify",
    .summary = "verify a proof of the log offline: no ledger, no network",
    .details =
        "Of a unit: the checkpoint's signature by the key, and that the leaf in the file stands in\n"
        "the signed tree. Of growth: both checkpoints' signatures, and that the tree of the one that\n"
        "you kept (`tpwallet log checkpoint`) is the beginning of the other. Ends with exit code 1\n"
        "when anything is not as it must be.",
    .positionals = verify_positional,
    .options = verify_options,
    .examples = "log prove verify proof --key example.com/0+132d55bf+AaSKmZR1Dh9ai7q/"
                "XLXoK2QCe1zC3hJLDGYWZdN/CuoV",
    .run = verify_run,
};
