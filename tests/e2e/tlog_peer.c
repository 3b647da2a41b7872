/*
 * Goal: a log on disk as C2SP has it, made and checked by our code: one side of the comparison
 * with the Go reference (tlog_go_test.py), and without arguments a check of its own making.
 * Method: `make FOLDER SIZE...` writes tiles, entry bundles, checkpoints and proofs for a log that
 * grows through the sizes; `check FOLDER` believes nothing but the two keys in it.
 *
 *   log.vkey, witness.vkey       keys
 *   tile/...                     tiles and entry bundles of every size
 *   checkpoint.SIZE              signed by the log, cosigned by the witness
 *   proof.INDEX.SIZE             proof files
 *   consistency.OLD.SIZE         hashes in base64, one a line
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/check.h"
#include "tlog/bundle.h"
#include "tlog/note_test.h"
#include "tlog/proof.h"
#include "tlog/tile_reader.h"

enum { SIZES_MAX = 8, FILE_SIZE_MAX = 20 << 20, PATH_MAX_LEN = 512, PROOFS = 12 };
static const char ORIGIN[] = "example.com/peer";

/* ---- Files ---- */

static void path_of(char path[PATH_MAX_LEN], const char *folder, const char *name)
{
    int len = snprintf(path, PATH_MAX_LEN, "%s/%s", folder, name);
    CHECK(len > 0 && len < PATH_MAX_LEN);
}

static void file_write(const char *folder, const char *name, struct str bytes)
{
    char path[PATH_MAX_LEN];
    path_of(path, folder, name);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(bytes.data, 1, bytes.len, file) == bytes.len);
    CHECK(fclose(file) == 0);
}

static bool file_read(const char *folder, const char *name, struct buf *bytes)
{
    char path[PATH_MAX_LEN];
    path_of(path, folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    buf_reset(bytes);
    char some[4096];
    for (size_t len; (len = fread(some, 1, sizeof some, file)) > 0;) buf_append(bytes, some, len);
    CHECK(fclose(file) == 0);
    CHECK(buf_status(bytes) == STATUS_OK);
    return true;
}

/* ---- Making ---- */

static struct str entry_of(uint64_t index, char text[64])
{
    int len = snprintf(text, 64, "entry %llu of our side", (unsigned long long)index);
    return (struct str){ text, (size_t)len };
}

/* Everything in memory, by level, as tiles want it. */
struct log {
    const char *folder;
    struct tree_reader reader;
    uint64_t size_max;
    struct digest *hashes[TREE_LEVELS];
    struct tree tree;
    struct note_signer signer;
    struct note_signer witness;
};

static enum status log_read(struct tree_reader *reader, struct tree_place place,
                            struct digest *out_hash)
{
    struct log *log = (struct log *)((char *)reader - offsetof(struct log, reader));
    CHECK(place.index < log->tree.size >> place.level);
    *out_hash = log->hashes[place.level][place.index];
    return STATUS_OK;
}

static void log_grow(struct log *log, uint64_t size)
{
    char text[64];
    while (log->tree.size < size) {
        struct str entry = entry_of(log->tree.size, text);
        struct digest leaf = tree_leaf(entry.data, entry.len);
        tree_append(&log->tree, &leaf);
        /* What was just finished: one subtree of each level up to the first digit that is one. */
        for (unsigned level = 0; log->tree.size % (UINT64_C(1) << level) == 0; level++) {
            log->hashes[level][(log->tree.size >> level) - 1] = log->tree.newest[level];
        }
    }
}

static void write_tiles(struct log *log, uint64_t from)
{
    struct tile_walk walk;
    struct tile tile;
    char path[TILE_PATH_SIZE];
    tile_walk_init(&walk, TILE_HASHES, from, log->tree.size);
    while (tile_walk_next(&walk, &tile)) {
        const struct digest *first =
            &log->hashes[tile.level * TILE_HEIGHT][tile.index * TILE_WIDTH];
        file_write(log->folder, tile_path(&tile, path).data,
                   (struct str){ (const char *)first, tile.width * sizeof *first });
    }
    struct buf BUF_SCOPE bundle;
    buf_init(&bundle, BUNDLE_SIZE_MAX);
    tile_walk_init(&walk, TILE_ENTRIES, from, log->tree.size);
    while (tile_walk_next(&walk, &tile)) {
        char text[64];
        buf_reset(&bundle);
        for (uint64_t i = 0; i < tile.width; i++) {
            bundle_append(&bundle, entry_of(tile.index * TILE_WIDTH + i, text));
        }
        file_write(log->folder, tile_path(&tile, path).data, buf_view(&bundle));
    }
}

static void write_checkpoint(struct log *log, struct buf *note)
{
    struct checkpoint checkpoint = { .origin = str_from(ORIGIN), .head.size = log->tree.size };
    checkpoint.head.root = tree_root(&log->tree);
    struct buf BUF_SCOPE text;
    buf_init(&text, CHECKPOINT_TEXT_SIZE_MAX);
    CHECK(checkpoint_format(&checkpoint, &text) == STATUS_OK);
    buf_reset(note);
    note_begin(note, buf_view(&text));
    note_sign(note, buf_view(&text), &log->signer);
    cosignature_sign(note, buf_view(&text), 1700000000, &log->witness);
    char name[64];
    CHECK(snprintf(name, sizeof name, "checkpoint.%llu", (unsigned long long)log->tree.size) > 0);
    file_write(log->folder, name, buf_view(note));
}

static void write_proofs(struct log *log, uint64_t old_size, struct str note)
{
    uint64_t size = log->tree.size;
    struct buf BUF_SCOPE file;
    buf_init(&file, PROOF_SIZE_MAX);
    char name[64];
    for (uint64_t i = 0; i < PROOFS; i++) {
        struct proof proof = { .index = i * (size - 1) / (PROOFS - 1), .checkpoint = note };
        if (i % 2 == 0) proof.extra = STR("TWFu");
        enum status status =
            tree_prove_inclusion(&log->reader, proof.index, size, &proof.inclusion);
        CHECK(status == STATUS_OK);
        buf_reset(&file);
        proof_format(&proof, &file);
        CHECK(snprintf(name, sizeof name, "proof.%llu.%llu", (unsigned long long)proof.index,
                       (unsigned long long)size) > 0);
        file_write(log->folder, name, buf_view(&file));
    }
    if (old_size == 0) return;
    struct tree_proof proof;
    enum status status = tree_prove_consistency(&log->reader, old_size, size, &proof);
    CHECK(status == STATUS_OK);
    buf_reset(&file);
    for (uint32_t i = 0; i < proof.count; i++) {
        base64_append(&file, proof.hashes[i].bytes, sizeof proof.hashes[i].bytes);
        buf_append_byte(&file, '\n');
    }
    CHECK(snprintf(name, sizeof name, "consistency.%llu.%llu", (unsigned long long)old_size,
                   (unsigned long long)size) > 0);
    file_write(log->folder, name, buf_view(&file));
}

static void make(const char *folder, const uint64_t *sizes, size_t count)
{
    static struct log log;
    log = (struct log){ .folder = folder, .reader = { log_read } };
    log.size_max = sizes[count - 1];
    tree_init(&log.tree);
    for (unsigned level = 0; log.size_max >> level > 0; level++) {
        log.hashes[level] = calloc(log.size_max >> level, sizeof(struct digest));
        CHECK(log.hashes[level] != NULL);
    }
    test_signer(&log.signer, ORIGIN, NOTE_ED25519, 17);
    test_signer(&log.witness, "witness.example", NOTE_COSIGNATURE, 18);
    char text[NOTE_KEY_TEXT_SIZE];
    file_write(folder, "log.vkey", note_key_format(&log.signer.key, text));
    file_write(folder, "witness.vkey", note_key_format(&log.witness.key, text));
    struct buf BUF_SCOPE note;
    buf_init(&note, NOTE_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        uint64_t old_size = log.tree.size;
        log_grow(&log, sizes[i]);
        write_tiles(&log, old_size);
        write_checkpoint(&log, &note);
        write_proofs(&log, old_size, buf_view(&note));
    }
    for (unsigned level = 0; level < TREE_LEVELS; level++) free(log.hashes[level]);
}

/* ---- Checking ---- */

struct reader {
    const char *folder;
    struct note_key log;
    struct note_key witness;
    struct tile_source source;
    struct buf file;
    uint64_t checked; /* files */
};

static enum status read_tile(struct tile_source *source, const struct tile *tile,
                             struct digest out_hashes[TILE_WIDTH])
{
    struct reader *reader = (struct reader *)((char *)source - offsetof(struct reader, source));
    char path[TILE_PATH_SIZE];
    size_t size = tile->width * sizeof out_hashes[0];
    if (!file_read(reader->folder, tile_path(tile, path).data, &reader->file)) {
        return STATUS_NOT_FOUND;
    }
    if (reader->file.len != size) return STATUS_INVALID;
    memcpy(out_hashes, reader->file.data, size);
    return STATUS_OK;
}

static void read_checkpoint(struct reader *reader, uint64_t size, struct tree_head *out_head)
{
    char name[64];
    static struct note note;
    struct checkpoint checkpoint;
    struct error error;
    uint64_t time_s;
    CHECK(snprintf(name, sizeof name, "checkpoint.%llu", (unsigned long long)size) > 0);
    CHECK(file_read(reader->folder, name, &reader->file));
    CHECK(note_parse(buf_view(&reader->file), &note, &error) == STATUS_OK);
    struct str origin = note_key_name(&reader->log);
    CHECK(checkpoint_open(&note, &reader->log, origin, &checkpoint, &error) == STATUS_OK);
    CHECK(cosignature_verify(&note, &reader->witness, &time_s, &error) == STATUS_OK);
    CHECK(checkpoint.head.size == size);
    *out_head = checkpoint.head;
}

/* Every tile is there, and the root that they make is the one that was signed. */
static void check_tiles(struct reader *reader, const struct tree_head *head)
{
    static struct tile_reader tiles;
    struct digest root;
    tile_reader_init(&tiles, &reader->source, head->size);
    enum status status = tree_read_root(&tiles.reader, head->size, &root);
    CHECK(status == STATUS_OK);
    CHECK(digest_equal(&root, &head->root));
    struct tree tree;
    struct tile_walk walk;
    struct tile tile;
    tree_init(&tree);
    tile_walk_init(&walk, TILE_ENTRIES, 0, head->size);
    while (tile_walk_next(&walk, &tile)) {
        char path[TILE_PATH_SIZE];
        struct str entry;
        CHECK(file_read(reader->folder, tile_path(&tile, path).data, &reader->file));
        struct str rest = buf_view(&reader->file);
        for (unsigned i = 0; i < tile.width; i++) {
            CHECK(bundle_next(&rest, &entry) == STATUS_OK);
            struct digest leaf = tree_leaf(entry.data, entry.len);
            tree_append(&tree, &leaf);
        }
        CHECK(rest.len == 0);
        reader->checked++;
    }
    root = tree_root(&tree);
    CHECK(digest_equal(&root, &head->root));
}

/* The proof is also the one that we would have made. */
static void check_proof(struct reader *reader, uint64_t index, uint64_t size, const char *name)
{
    struct proof proof;
    struct proof_facts facts;
    struct error error;
    struct digest leaf;
    static struct tile_reader tiles;
    struct buf BUF_SCOPE kept;
    buf_init(&kept, PROOF_SIZE_MAX);
    CHECK(file_read(reader->folder, name, &kept));
    CHECK(proof_parse(buf_view(&kept), &proof, &error) == STATUS_OK);
    CHECK(proof.index == index);
    tile_reader_init(&tiles, &reader->source, size);
    struct tree_place place = { 0, index };
    CHECK(tiles.reader.read(&tiles.reader, place, &leaf) == STATUS_OK);
    const struct proof_trust trust = {
        .log = &reader->log,
        .origin = note_key_name(&reader->log),
        .witnesses = &reader->witness,
        .witness_count = 1,
        .quorum = 1,
    };
    CHECK(proof_verify(&proof, &leaf, &trust, &facts, &error) == STATUS_OK);
    CHECK(facts.head.size == size);
    struct tree_proof ours;
    enum status status = tree_prove_inclusion(&tiles.reader, index, size, &ours);
    CHECK(status == STATUS_OK);
    CHECK(ours.count == proof.inclusion.count);
    CHECK(memcmp(ours.hashes, proof.inclusion.hashes, ours.count * sizeof ours.hashes[0]) == 0);
}

static void check_consistency(struct reader *reader, uint64_t old_size, uint64_t size,
                              const char *name)
{
    struct tree_head old, head;
    struct tree_proof proof = { 0 };
    struct error error;
    struct str line;
    read_checkpoint(reader, old_size, &old);
    read_checkpoint(reader, size, &head);
    CHECK(file_read(reader->folder, name, &reader->file));
    struct str rest = buf_view(&reader->file);
    while (str_take_line(&rest, &line)) {
        CHECK(proof.count < TREE_PROOF_HASHES_MAX);
        struct digest *hash = &proof.hashes[proof.count++];
        CHECK(base64_parse_exact(line, hash->bytes, sizeof hash->bytes) == STATUS_OK);
    }
    CHECK(rest.len == 0);
    CHECK(tree_verify_consistency(&old, &head, &proof, &error) == STATUS_OK);
}

static void check_file(struct reader *reader, const char *name)
{
    unsigned long long first, second;
    struct tree_head head;
    char rebuilt[64];
    char *end;
    if (strncmp(name, "checkpoint.", 11) == 0) {
        read_checkpoint(reader, strtoull(name + 11, NULL, 10), &head);
        check_tiles(reader, &head);
    } else if (strncmp(name, "proof.", 6) == 0) {
        first = strtoull(name + 6, &end, 10);
        second = strtoull(end + 1, NULL, 10);
        CHECK(snprintf(rebuilt, sizeof rebuilt, "proof.%llu.%llu", first, second) > 0);
        CHECK(strcmp(rebuilt, name) == 0);
        check_proof(reader, first, second, name);
    } else if (strncmp(name, "consistency.", 12) == 0) {
        first = strtoull(name + 12, &end, 10);
        second = strtoull(end + 1, NULL, 10);
        check_consistency(reader, first, second, name);
    } else {
        return;
    }
    reader->checked++;
}

static void check(const char *folder)
{
    struct reader reader = { .folder = folder, .source = { read_tile } };
    buf_init(&reader.file, FILE_SIZE_MAX);
    CHECK(file_read(folder, "log.vkey", &reader.file));
    CHECK(note_key_parse(buf_view(&reader.file), &reader.log) == STATUS_OK);
    CHECK(file_read(folder, "witness.vkey", &reader.file));
    CHECK(note_key_parse(buf_view(&reader.file), &reader.witness) == STATUS_OK);
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        check_file(&reader, entry->d_name);
    }
    (void)closedir(dir); /* only read from */
    printf("%llu files checked by our side\n", (unsigned long long)reader.checked);
    buf_free(&reader.file);
    CHECK(reader.checked >= PROOFS);
}

int main(int argc, char **argv)
{
    static const uint64_t own_sizes[] = { 1, 256, 70000 };
    if (argc == 1) {
        char folder[PATH_MAX_LEN];
        path_of(folder, getenv("SCRATCH"), "log");
        make(folder, own_sizes, 3);
        check(folder);
    } else if (argc == 3 && strcmp(argv[1], "check") == 0) {
        check(argv[2]);
    } else if (argc > 3 && argc < 3 + SIZES_MAX && strcmp(argv[1], "make") == 0) {
        uint64_t sizes[SIZES_MAX];
        size_t count = (size_t)argc - 3;
        for (size_t i = 0; i < count; i++) sizes[i] = strtoull(argv[3 + i], NULL, 10);
        make(argv[2], sizes, count);
    } else {
        (void)fprintf(stderr, "usage: %s [make FOLDER SIZE... | check FOLDER]\n", argv[0]);
        return 2;
    }
    return 0;
}
