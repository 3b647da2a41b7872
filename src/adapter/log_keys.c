#include "adapter/log_keys.h"

#include <unistd.h>

#include "adapter/file_error.h"
#include "adapter/new_file.h"
#include "adapter/secret_file.h"
#include "base/check.h"
#include "base/hex.h"
#include "tlog/leaf.h"

enum { FILE_SIZE_MAX = 1024 };

static const struct str LEAF_START = { "LEAF+KEY+", 9 };

static enum status text_parse(struct str text, struct log_keys *out_keys)
{
    struct str signer;
    struct str leaf;
    uint8_t bytes[LEAF_KEY_SIZE];
    if (!str_take_line(&text, &signer) || !str_take_line(&text, &leaf) || text.len != 0) {
        return STATUS_INVALID;
    }
    if (!str_starts(leaf, LEAF_START)) return STATUS_INVALID;
    leaf = (struct str){ leaf.data + LEAF_START.len, leaf.len - LEAF_START.len };
    if (leaf.len != 2 * sizeof bytes) return STATUS_INVALID;
    if (hex_parse(leaf, bytes, sizeof bytes) != STATUS_OK) return STATUS_INVALID;
    enum status status = note_signer_parse(signer, &out_keys->signer);
    if (status == STATUS_OK && out_keys->signer.key.kind != NOTE_ED25519) status = STATUS_INVALID;
    if (status == STATUS_OK) status = secret_take(bytes, sizeof bytes, &out_keys->leaf);
    secret_wipe(bytes, sizeof bytes);
    return status;
}

enum status log_keys_read(const char *folder, struct log_keys *out_keys, struct error *out_error)
{
    char text[FILE_SIZE_MAX];
    size_t size = 0;
    BUF_SCOPE struct buf path;
    enum status status = file_path(folder, "log.key", &path, out_error);
    if (status == STATUS_OK)
        status = secret_file_read(buf_terminated(&path), text, sizeof text, &size, out_error);
    if (status != STATUS_OK) return status;
    *out_keys = (struct log_keys){ 0 };
    if (text_parse((struct str){ text, size }, out_keys) != STATUS_OK) {
        log_keys_done(out_keys);
        status = error_set(out_error, STATUS_CORRUPT, "%s is damaged", buf_terminated(&path));
        error_hint(out_error, "take it from a copy: what was signed cannot go on without it");
    }
    secret_wipe(text, sizeof text);
    return status;
}

/* All that is needed to sign and to make leaves, as text; to be wiped. */
static enum status text_make(struct str origin, struct entropy *entropy, struct buf *text)
{
    uint8_t seed[ED25519_SEED_SIZE];
    uint8_t leaf[LEAF_KEY_SIZE];
    char digits[2 * LEAF_KEY_SIZE + 1];
    char line[NOTE_KEY_TEXT_SIZE];
    struct note_signer signer;
    entropy_fill(entropy, seed, sizeof seed);
    enum status status = note_signer_make(origin, NOTE_ED25519, seed, &signer);
    if (status != STATUS_OK) return status;
    entropy_fill(entropy, leaf, sizeof leaf);
    (void)hex_format(leaf, sizeof leaf, digits); /* the view of digits */
    buf_append_str(text, note_signer_format(&signer, line));
    buf_append_format(text, "\n%.*s%.*s\n", STR_ARG(LEAF_START), (int)(2 * sizeof leaf), digits);
    note_signer_done(&signer);
    secret_wipe(leaf, sizeof leaf);
    secret_wipe(digits, sizeof digits);
    secret_wipe(line, sizeof line);
    return buf_status(text);
}

enum status log_keys_make(const char *folder, struct str origin, struct entropy *entropy,
                          struct error *out_error)
{
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf head;
    enum status status = file_path(folder, "log.head", &head, out_error);
    if (status == STATUS_OK) status = file_path(folder, "log.key", &path, out_error);
    if (status != STATUS_OK) return status;
    if (!note_name_is_valid(origin)) {
        status = error_set(out_error, STATUS_INVALID, "this cannot be the origin of a log");
        error_hint(out_error, "like a URL without a scheme: ledger.example.com/0");
        return status;
    }
    if (access(buf_terminated(&head), F_OK) == 0) {
        status = error_set(out_error, STATUS_CONFLICT, "log.key is lost, and it has signed before");
        error_hint(out_error, "take it from a copy; or, to begin a log anew that nobody's receipts "
                              "are of, remove log.head and log/");
        return status;
    }
    BUF_SCOPE struct buf text;
    buf_init(&text, FILE_SIZE_MAX);
    void *memory = buf_extend(&text, FILE_SIZE_MAX); /* so that it does not move, to be wiped */
    CHECK(memory != NULL);
    buf_reset(&text);
    status = text_make(origin, entropy, &text);
    CHECK(status == STATUS_OK);
    status = new_file_write(buf_terminated(&path), buf_view(&text), 0600, out_error);
    secret_wipe(memory, FILE_SIZE_MAX);
    return status;
}

bool log_keys_exist(const char *folder)
{
    BUF_SCOPE struct buf path;
    struct error ignored; /* a path that is too long leads nowhere */
    return file_path(folder, "log.key", &path, &ignored) == STATUS_OK &&
           access(buf_terminated(&path), F_OK) == 0;
}

void log_keys_done(struct log_keys *keys)
{
    note_signer_done(&keys->signer);
    secret_done(&keys->leaf);
}
