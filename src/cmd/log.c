/* tpwallet log key, log checkpoint, log witness init, log witness key: what others need to verify. */
#include "adapter/file_log_store.h"
#include "adapter/log_keys.h"
#include "adapter/system_entropy.h"
#include "adapter/witness_folder.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/report.h"

/* As one line, or as the one member of an object. */
static int show(const struct invocation *invocation, struct str name, struct str text)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 2 * NOTE_SIZE_MAX);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, name);
        json_write_string(&writer, text);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
    } else {
        buf_append_str(&out, text);
    }
    bool ended = text.len > 0 && text.data[text.len - 1] == '\n';
    if (invocation->json || !ended) buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

static int key_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct log_keys keys = { 0 };
    char text[NOTE_KEY_TEXT_SIZE];
    enum status status = log_keys_read(invocation->data, &keys, &error);
    if (status == STATUS_NOT_FOUND)
        error_hint(&error, "the first `tpwallet serve` makes it; --log-origin names the log");
    if (status != STATUS_OK) return report_error(invocation, &error);
    int code = show(invocation, STR("key"), note_key_format(&keys.signer.key, text));
    log_keys_done(&keys);
    return code;
}

const struct command command_log_key = {
    .name = "log key",
    .summary = "show the public key that checkpoints are signed with",
    .details =
        "In the form of C2SP signed-note (\"origin+hash+base64\"), for `tpwallet receipt verify`\n"
        "and for others' tools. Give it to auditors by a way of its own: who takes key and\n"
        "log from one place verifies nothing.",
    .examples = "log key",
    .run = key_run,
};

static int checkpoint_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct log_store *files = NULL;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX);
    enum status status = file_log_store_open(invocation->data, true, &files, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    status = files->read(files, STR("checkpoint"), &bytes, &error);
    files->close(files);
    if (status == STATUS_NOT_FOUND) {
        (void)error_set(&error, status, "nothing was signed yet"); /* as it is */
        error_hint(&error, "`tpwallet serve` signs what the journal holds");
    }
    if (status != STATUS_OK) return report_error(invocation, &error);
    return show(invocation, STR("checkpoint"), buf_view(&bytes));
}

const struct command command_log_checkpoint = {
    .name = "log checkpoint",
    .summary = "show the newest signed checkpoint of the verifiable log",
    .details =
        "Keep it somewhere else: `tpwallet log verify --checkpoint FILE` then shows whether\n"
        "history up to it was changed since.",
    .examples = "log checkpoint",
    .run = checkpoint_run,
};

/* ---- Witnesses ---- */

static int witness_key_show(const struct invocation *invocation)
{
    struct error error = { 0 };
    struct note_key key;
    char text[NOTE_KEY_TEXT_SIZE];
    enum status status = witness_folder_key(invocation->data, &key, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return show(invocation, STR("key"), note_key_format(&key, text));
}

static int witness_init_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct str name = str_from(invocation->positionals[0]);
    enum status status = witness_folder_create(invocation->data, name, system_entropy(), &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    return witness_key_show(invocation);
}

static int witness_key_run(struct invocation *invocation)
{
    return witness_key_show(invocation);
}

static const struct positional witness_init_positional[] = {
    { "NAME", "the witness's name, for good: witness.example.com/w1", false },
    { 0 },
};

const struct command command_log_witness_init = {
    .name = "log witness init",
    .summary = "make a witness: its folder and its key",
    .details =
        "The folder (--data DIR) is the witness's own, never a ledger's. Shows the public key,\n"
        "which is for whoever serves a log (`tpwallet serve --witness KEY=URL`) and whoever verifies\n"
        "receipts (`tpwallet receipt verify --witnesses KEY`). The private one stays in witness.key.\n"
        "Do not put an old copy of the folder back: a witness that forgot what it cosigned can be\n"
        "made to contradict itself. Make a new one instead.",
    .positionals = witness_init_positional,
    .examples = "log witness init witness.example.com/w1 --data /var/lib/witness",
    .run = witness_init_run,
};

const struct command command_log_witness_key = {
    .name = "log witness key",
    .summary = "show the public key that a witness cosigns with",
    .details =
        "In the form of C2SP signed-note, of the kind for cosignatures. --data DIR names the\n"
        "witness's folder.",
    .examples = "log witness key --data /var/lib/witness",
    .run = witness_key_run,
};
