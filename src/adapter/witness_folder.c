#include "adapter/witness_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/file_error.h"
#include "adapter/new_file.h"
#include "adapter/secret_file.h"
#include "base/check.h"
#include "base/hex.h"
#include "crypto/digest.h"

enum { KEY_SIZE_MAX = 1024 };

struct witness_folder {
    struct witness_store store; /* first */
    struct note_signer signer;
    int folder; /* held locked */
    int logs;
};

/* ---- Making ---- */

static enum status folder_is_empty(const char *path, struct error *out_error)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return file_error("the witness", "open the folder", path, out_error);
    enum status status = STATUS_OK;
    const struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        status = error_set(out_error, STATUS_CONFLICT, "%s is not empty", path);
        error_hint(out_error, "a witness has a folder of its own: --data DIR");
    }
    (void)closedir(folder); /* only read */
    return status;
}

static enum status folders_make(const char *path, struct error *out_error)
{
    BUF_SCOPE struct buf logs;
    enum status status = file_path(path, "logs", &logs, out_error);
    if (status != STATUS_OK) return status;
    if (mkdir(path, 0700) != 0) {
        if (errno != EEXIST) return file_error("the witness", "make the folder", path, out_error);
        status = folder_is_empty(path, out_error);
        if (status != STATUS_OK) return status;
        if (chmod(path, 0700) != 0)
            return file_error("the witness", "set the permissions of", path, out_error);
    }
    if (mkdir(buf_terminated(&logs), 0700) == 0) return STATUS_OK;
    return file_error("the witness", "make the folder", buf_terminated(&logs), out_error);
}

enum status witness_folder_create(const char *path, struct str name, struct entropy *entropy,
                                  struct error *out_error)
{
    uint8_t seed[ED25519_SEED_SIZE];
    char line[NOTE_KEY_TEXT_SIZE + 1];
    struct note_signer signer;
    BUF_SCOPE struct buf key;
    enum status status = file_path(path, "witness.key", &key, out_error);
    if (status != STATUS_OK) return status;
    if (!note_name_is_valid(name)) {
        status = error_set(out_error, STATUS_INVALID, "this cannot be the name of a witness");
        error_hint(out_error, "like a URL without a scheme: witness.example.com/w1");
        return status;
    }
    status = folders_make(path, out_error);
    if (status != STATUS_OK) return status;
    entropy_fill(entropy, seed, sizeof seed);
    status = note_signer_make(name, NOTE_COSIGNATURE, seed, &signer);
    CHECK(status == STATUS_OK);
    struct str text = note_signer_format(&signer, line);
    line[text.len] = '\n';
    text.len++;
    /* It is made last, and syncs what is in the folder: without it there is no witness. */
    status = new_file_write(buf_terminated(&key), text, 0600, out_error);
    secret_wipe(line, sizeof line);
    note_signer_done(&signer);
    return status;
}

/* ---- Opening ---- */

static enum status signer_read(const char *path, struct note_signer *out_signer,
                               struct error *out_error)
{
    char text[KEY_SIZE_MAX];
    size_t size = 0;
    BUF_SCOPE struct buf key;
    BUF_SCOPE struct buf format;
    enum status status = file_path(path, "witness.key", &key, out_error);
    if (status == STATUS_OK) status = file_path(path, "FORMAT", &format, out_error);
    if (status != STATUS_OK) return status;
    if (access(buf_terminated(&format), F_OK) == 0) {
        status = error_set(out_error, STATUS_INVALID, "%s is a ledger's folder", path);
        error_hint(out_error, "a witness has a folder of its own: --data DIR");
        return status;
    }
    status = secret_file_read(buf_terminated(&key), text, sizeof text, &size, out_error);
    if (status == STATUS_NOT_FOUND) {
        error_hint(out_error, "`tpwallet log witness init NAME --data DIR` makes a witness");
    }
    if (status != STATUS_OK) return status;
    struct str rest = { text, size };
    struct str line;
    bool good = str_take_line(&rest, &line) && rest.len == 0 &&
                note_signer_parse(line, out_signer) == STATUS_OK;
    secret_wipe(text, sizeof text);
    if (good && out_signer->key.kind == NOTE_COSIGNATURE) return STATUS_OK;
    if (good) note_signer_done(out_signer);
    return error_set(out_error, STATUS_CORRUPT, "%s is damaged", buf_terminated(&key));
}

enum status witness_folder_key(const char *path, struct note_key *out_key, struct error *out_error)
{
    struct note_signer signer;
    enum status status = signer_read(path, &signer, out_error);
    if (status != STATUS_OK) return status;
    *out_key = signer.key;
    note_signer_done(&signer);
    return STATUS_OK;
}

/* ---- The store ---- */

struct name {
    char text[2 * sizeof(struct digest) + 1];
};

static struct name name_of(struct str origin)
{
    struct name name;
    struct digest digest = digest_of(origin.data, origin.len);
    (void)hex_format(digest.bytes, sizeof digest.bytes, name.text); /* the view of name */
    return name;
}

static enum status store_read(struct witness_store *port, struct str origin, struct buf *out_note,
                              struct error *out_error)
{
    const struct witness_folder *folder = (const struct witness_folder *)port;
    struct name name = name_of(origin);
    char block[4096];
    ssize_t got;
    int file = openat(folder->logs, name.text, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    if (file < 0) return file_error("the witness", "open", name.text, out_error);
    buf_reset(out_note);
    while ((got = read(file, block, sizeof block)) > 0) buf_append(out_note, block, (size_t)got);
    enum status status =
        got < 0 ? file_error("the witness", "read", name.text, out_error) : STATUS_OK;
    (void)close(file); /* only read */
    if (status != STATUS_OK || buf_status(out_note) == STATUS_OK) return status;
    return error_set(out_error, STATUS_LIMIT, "the witness: %s is too large", name.text);
}

static enum status store_write(struct witness_store *port, struct str origin, struct str note,
                               struct error *out_error)
{
    const struct witness_folder *folder = (const struct witness_folder *)port;
    struct name name = name_of(origin);
    int file = openat(folder->logs, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return file_error("the witness", "make", name.text, out_error);
    bool good = write(file, note.data, note.len) == (ssize_t)note.len && fsync(file) == 0;
    enum status status =
        good ? STATUS_OK : file_error("the witness", "write", name.text, out_error);
    if (close(file) != 0 && status == STATUS_OK)
        status = file_error("the witness", "close", name.text, out_error);
    if (status != STATUS_OK) return status;
    good = renameat(folder->logs, "new", folder->logs, name.text) == 0 && fsync(folder->logs) == 0;
    if (good) return STATUS_OK;
    status = file_error("the witness", "put into place", name.text, out_error);
    CHECK(status != STATUS_OK);
    return STATUS_IN_DOUBT; /* it may be there all the same */
}

static void store_close(struct witness_store *port)
{
    (void)port; /* the folder's */
}

static enum status folder_lock(struct witness_folder *folder, const char *path,
                               struct error *out_error)
{
    folder->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->folder < 0) return file_error("the witness", "open", path, out_error);
    if (flock(folder->folder, LOCK_EX | LOCK_NB) != 0) {
        return error_set(out_error, STATUS_CONFLICT, "another witness has %s open", path);
    }
    folder->logs = openat(folder->folder, "logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->logs >= 0) return STATUS_OK;
    if (errno != ENOENT) return file_error("the witness", "open", "logs/", out_error);
    enum status status = error_set(out_error, STATUS_NOT_FOUND,
                                   "%s/logs is lost: what was cosigned is not known", path);
    error_hint(out_error, "a witness that forgot must not go on: make a new one, with a key of its "
                          "own");
    return status;
}

enum status witness_folder_open(const char *path, struct witness_folder **out_folder,
                                struct error *out_error)
{
    struct witness_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    *folder = (struct witness_folder){
        .store = { .read = store_read, .write = store_write, .close = store_close },
        .folder = -1,
        .logs = -1,
    };
    enum status status = signer_read(path, &folder->signer, out_error);
    if (status == STATUS_OK) status = folder_lock(folder, path, out_error);
    if (status == STATUS_OK)
        *out_folder = folder;
    else
        witness_folder_close(folder);
    return status;
}

void witness_folder_close(struct witness_folder *folder)
{
    if (folder == NULL) return;
    note_signer_done(&folder->signer);
    if (folder->logs >= 0) (void)close(folder->logs);     /* synced when it mattered */
    if (folder->folder >= 0) (void)close(folder->folder); /* gives the lock back */
    free(folder);
}

const struct note_signer *witness_folder_signer(const struct witness_folder *folder)
{
    return &folder->signer;
}

struct witness_store *witness_folder_store(struct witness_folder *folder)
{
    return &folder->store;
}
