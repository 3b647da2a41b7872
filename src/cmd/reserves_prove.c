/* tpwallet reserves prove: the proof that a customer's balance is in a snapshot's total. */
#include <stdio.h>

#include "adapter/new_file.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/call.h"
#include "cmd/core_dumps.h"
#include "cmd/report.h"
#include "cmd/reserves_files.h"
#include "wallet/reserves_proof.h"

struct proving {
    const struct invocation *invocation;
    const char *folder;
    struct account_id account;
    struct buf text; /* the public part's */
    struct arena arena;
    struct reserves_book book;
    struct reserves_statement statement;
    struct sum_proof sums;
    struct reserves_proof proof;
};

static enum status arguments_parse(struct proving *proving, struct error *out_error)
{
    const struct invocation *invocation = proving->invocation;
    proving->folder = invocation_text(invocation, "snapshot");
    if (proving->folder == NULL) {
        return error_set(out_error, STATUS_INVALID,
                         "--snapshot is missing: the folder that `reserves snapshot` made");
    }
    return call_id_parse(invocation->positionals[0], "account", &proving->account.value, out_error);
}

static enum status public_open(struct proving *proving, struct error *out_error)
{
    struct note note;
    struct reserves_snapshot *snapshot = &proving->proof.snapshot;
    enum status status = reserves_public_read(proving->folder, &proving->text, out_error);
    if (status == STATUS_OK) status = arena_init(&proving->arena, 2 * RESERVES_SNAPSHOT_SIZE_MAX);
    if (status == STATUS_OK) {
        status =
            reserves_snapshot_parse(buf_view(&proving->text), &proving->arena, snapshot, out_error);
    }
    if (status == STATUS_OK) status = note_parse(snapshot->statement, &note, out_error);
    if (status != STATUS_OK) return status;
    return reserves_statement_parse(note.text, &proving->statement, out_error);
}

static enum status private_open(struct proving *proving, struct error *out_error)
{
    char path[RESERVES_PATH_SIZE_MAX];
    struct reserves_book *book = &proving->book;
    enum status status = reserves_private_path(proving->folder, path, out_error);
    if (status == STATUS_OK) status = reserves_private_read(path, book, out_error);
    if (status == STATUS_OK) status = reserves_book_build(book, out_error);
    if (status != STATUS_OK) return status;
    return reserves_book_compare(book, &proving->statement, out_error);
}

static enum status proof_make(struct proving *proving, struct buf *out_json,
                              struct error *out_error)
{
    uint64_t index = 0;
    struct reserves_proof *proof = &proving->proof;
    if (!reserves_book_find(&proving->book, proving->account, &index)) {
        enum status status =
            error_set(out_error, STATUS_NOT_FOUND, "the account is in no leaf of this snapshot");
        error_hint(out_error, "it owed us at that position, was made later, is of another asset, "
                              "or is no customer's (kind liability)");
        return status;
    }
    const struct sum_liability *liability = &reserves_book_liabilities(&proving->book)[index];
    sum_tree_prove(&proving->book.tree, index, liability, &proving->sums);
    proof->account = liability->account;
    proof->balance = liability->balance;
    proof->asset = proving->statement.asset;
    proof->height = proving->statement.tree.height;
    proof->sums = &proving->sums;
    if (reserves_proof_write(proof, out_json) == STATUS_OK) {
        buf_append_byte(out_json, '\n');
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_LIMIT, "the proof is too large");
}

static enum status prove(struct proving *proving, struct buf *out_json, struct error *out_error)
{
    enum status status = core_dumps_off(out_error);
    if (status == STATUS_OK) status = arguments_parse(proving, out_error);
    if (status == STATUS_OK) status = public_open(proving, out_error);
    if (status == STATUS_OK) status = private_open(proving, out_error);
    return status == STATUS_OK ? proof_make(proving, out_json, out_error) : status;
}

/* Of a proof that went into a file. */
static int told(const struct proving *proving, const char *path)
{
    const struct reserves_proof *proof = &proving->proof;
    char amount[MONEY_TEXT_SIZE];
    BUF_SCOPE struct buf out;
    buf_init(&out, 16 << 10);
    if (proving->invocation->json) {
        struct json_writer json;
        json_writer_init(&json, &out);
        json_write_object_begin(&json);
        json_write_key(&json, STR("file"));
        json_write_string(&json, str_from(path));
        json_write_key(&json, STR("account"));
        json_write_uuid(&json, proof->account.value);
        json_write_key(&json, STR("asset"));
        json_write_string(&json, str_from(proof->asset.code));
        json_write_key(&json, STR("balance"));
        json_write_money(&json, proof->balance, proof->asset.exponent);
        json_write_key(&json, STR("shares"));
        json_write_uint64(&json, proof->sums->share_count);
        json_write_object_end(&json);
        CHECK(json_write_end(&json) == STATUS_OK);
    } else {
        buf_append_format(&out, "%s: %.*s %s in %u shares", path,
                          STR_ARG(money_format(proof->balance, proof->asset.exponent, amount)),
                          proof->asset.code, proof->sums->share_count);
    }
    buf_append_byte(&out, '\n');
    return report_text(proving->invocation, buf_view(&out));
}

static int prove_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct proving proving = { .invocation = invocation };
    const char *path = invocation_text(invocation, "out");
    BUF_SCOPE struct buf json;
    buf_init(&json, RESERVES_PROOF_SIZE_MAX);
    buf_init(&proving.text, RESERVES_SNAPSHOT_SIZE_MAX + 1);
    enum status status = prove(&proving, &json, &error);
    if (status == STATUS_OK && path != NULL) {
        status = new_file_write(path, buf_view(&json), 0600, &error);
    }
    int code = EXIT_CODE_DONE;
    if (status != STATUS_OK) {
        code = report_error(invocation, &error);
    } else if (path == NULL) {
        code = report_text(invocation, buf_view(&json));
    } else {
        code = told(&proving, path);
    }
    reserves_book_close(&proving.book);
    arena_done(&proving.arena);
    buf_free(&proving.text);
    return code;
}

static const struct positional prove_positionals[] = {
    { "ACCOUNT", "the customer's account: a UUID, or NAMESPACE:KEY", false },
    { 0 },
};

static const struct option prove_options[] = {
    { "snapshot", "DIR", "the folder that `tpwallet reserves snapshot` made", NULL },
    { "out", "FILE", "a new file, mode 0600; standard output without it", NULL },
    { 0 },
};

const struct command command_reserves_prove = {
    .name = "reserves prove",
    .summary = "make the proof that a customer's balance is in a snapshot's total",
    .details =
        "Makes the snapshot's tree again from its private part, wants its root to be the signed\n"
        "one, and writes every share of the balance with its salt and its way up to the root. The\n"
        "file is enough by itself, and is for this customer: it shows the balance. Needs no ledger.",
    .positionals = prove_positionals,
    .options = prove_options,
    .examples = "reserves prove shop:alice --snapshot reserves-2026-06 --out alice.json",
    .run = prove_run,
};
