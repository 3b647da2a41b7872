/* A receipt verified with a key and nothing else; and what a doctored journal is told apart by. */
#define _GNU_SOURCE /* memmem */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/log_keys.h"
#include "adapter/new_file.h"
#include "base/check.h"
#include "cmd/demo.h"
#include "cmd/file_bytes.h"

enum {
    PATH_LEN_MAX = 4095,
    DEPTH_MAX = 8,
    MODE_FILE = 0600,
    MODE_FOLDER = 0700,
    CHANGED_BEHIND = 20, /* bytes behind the payment's id: within its record */
};
#define FILE_BYTES_MAX ((size_t)4 << 30)

enum status demo_receipt(struct demo *demo, struct demo_caller *caller, struct uuid payment)
{
    char id[UUID_TEXT_LEN + 1];
    BUF_SCOPE struct buf target;
    BUF_SCOPE struct buf path;
    buf_init(&target, PATH_LEN_MAX);
    buf_init(&path, PATH_LEN_MAX);
    uuid_format(payment, id);
    buf_append_format(&target, "/v1/payments/%s/receipt", id);
    stage_path(&demo->stage, "receipt.json", &path);
    enum status status = demo_caller_ask(caller, API_GET, buf_terminated(&target), STR(""));
    if (status != STATUS_OK) return status; /* not signed yet is asked again */
    if (caller->http_status != 200) {
        return error_set(&demo->error, STATUS_UNAVAILABLE, "no receipt of %s: HTTP %u", id,
                         caller->http_status);
    }
    demo->receipt = payment;
    return new_file_write(buf_terminated(&path), buf_view(&caller->answer), MODE_FILE,
                          &demo->error);
}

static enum status receipt_verify(struct demo *demo)
{
    struct log_keys keys = { 0 };
    char key[NOTE_KEY_TEXT_SIZE + 1] = { 0 };
    BUF_SCOPE struct buf path;
    buf_init(&path, PATH_LEN_MAX);
    stage_path(&demo->stage, "receipt.json", &path);
    enum status status = log_keys_read(buf_terminated(&demo->stage.data), &keys, &demo->error);
    if (status != STATUS_OK) return status;
    struct str text = note_key_format(&keys.signer.key, key);
    key[text.len] = '\0';
    log_keys_done(&keys);
    (void)fprintf(
        demo->out,
        "\nThe receipt of the payment whose story was told, with the log's public key and nothing "
        "else, no ledger and no network:\n\n");
    const char *const words[] = { "receipt", "verify", buf_terminated(&path), "--key", key, NULL };
    return demo_run(demo, words);
}

/* ---- A copy in which somebody has changed one byte ---- */

struct doctoring {
    struct demo *demo;
    struct buf bytes;
    bool changed;
};

static void doctor(struct doctoring *doctoring)
{
    const struct uuid *id = &doctoring->demo->receipt;
    struct buf *bytes = &doctoring->bytes;
    uint8_t *found = memmem(bytes->data, bytes->len, id, sizeof *id);
    if (found == NULL || found + CHANGED_BEHIND >= bytes->data + bytes->len) return;
    found[CHANGED_BEHIND] ^= 1;
    doctoring->changed = true;
}

static enum status file_copy(struct doctoring *doctoring, const char *name, const char *from,
                             const char *to)
{
    struct error *error = &doctoring->demo->error;
    buf_reset(&doctoring->bytes);
    enum status status = file_bytes_read(from, &doctoring->bytes, error);
    if (status != STATUS_OK) return status;
    if (strcmp(name, "journal.db") == 0) doctor(doctoring);
    return new_file_write(to, buf_view(&doctoring->bytes), MODE_FILE, error);
}

static enum status folder_copy(struct doctoring *doctoring, const char *from, const char *to,
                               unsigned depth);

static enum status entry_copy(struct doctoring *doctoring, const char *name, const char *folder,
                              const char *to, unsigned depth)
{
    struct stat info;
    BUF_SCOPE struct buf here;
    BUF_SCOPE struct buf there;
    buf_init(&here, PATH_LEN_MAX);
    buf_init(&there, PATH_LEN_MAX);
    buf_append_format(&here, "%s/%s", folder, name);
    buf_append_format(&there, "%s/%s", to, name);
    if (stat(buf_terminated(&here), &info) != 0) return STATUS_OK; /* gone meanwhile */
    if (S_ISDIR(info.st_mode)) {
        return folder_copy(doctoring, buf_terminated(&here), buf_terminated(&there), depth + 1);
    }
    if (!S_ISREG(info.st_mode)) return STATUS_OK; /* the socket */
    return file_copy(doctoring, name, buf_terminated(&here), buf_terminated(&there));
}

static enum status folder_copy(struct doctoring *doctoring, const char *from, const char *to,
                               unsigned depth)
{
    struct error *error = &doctoring->demo->error;
    CHECK(depth < DEPTH_MAX); /* a data folder's are fewer */
    DIR *folder = opendir(from);
    if (folder == NULL || mkdir(to, MODE_FOLDER) != 0) {
        if (folder != NULL) (void)closedir(folder); /* only read */
        return error_set(error, STATUS_UNAVAILABLE, "cannot copy '%s': %s", from, strerror(errno));
    }
    enum status status = STATUS_OK;
    const struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        status = entry_copy(doctoring, entry->d_name, from, to, depth);
    }
    (void)closedir(folder); /* only read */
    return status;
}

static enum status doctored_verify(struct demo *demo)
{
    static const char *const words[] = { "log", "verify", NULL };
    struct doctoring doctoring = { .demo = demo };
    BUF_SCOPE struct buf copy;
    buf_init(&copy, PATH_LEN_MAX);
    buf_init(&doctoring.bytes, FILE_BYTES_MAX);
    stage_path(&demo->stage, "doctored", &copy);
    enum status status =
        folder_copy(&doctoring, buf_terminated(&demo->stage.data), buf_terminated(&copy), 0);
    buf_free(&doctoring.bytes);
    if (status != STATUS_OK) return status;
    if (!doctoring.changed) {
        return error_set(&demo->error, STATUS_CORRUPT, "the payment is not in the journal");
    }
    (void)fprintf(demo->out, "\nA copy of all this, in which somebody has changed one byte of that "
                             "payment in the journal:\n\n");
    return demo_run_in(demo, buf_terminated(&copy), words, EXIT_CODE_DAMAGED);
}

enum status demo_log(struct demo *demo)
{
    enum status status = receipt_verify(demo);
    return status == STATUS_OK ? doctored_verify(demo) : status;
}
