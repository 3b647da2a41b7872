/* log_relay_test.h - for tests: a log's files in memory, and a lane's log over lane_test.h. */
#ifndef WALLET_LOG_RELAY_TEST_H
#define WALLET_LOG_RELAY_TEST_H

#include <xxhash.h>

#include "wallet/lane_test.h"
#include "wallet/log_builder.h"
#include "wallet/log_relay.h"

enum { MEMORY_FILES_MAX = 1024 };

struct memory_file {
    char name[LOG_STORE_NAME_LEN_MAX + 1];
    char *bytes;
    size_t size;
};

struct memory_log {
    struct log_store port; /* first */
    uint32_t count;
    struct memory_file files[MEMORY_FILES_MAX];
    bool has_head;
    struct log_head head;
    uint32_t writes_left; /* before writes fail */
    uint32_t head_doubts; /* so many heads are recorded, and it is said that they are not */
    uint32_t syncs;
};

static inline struct memory_file *memory_find(struct log_store *port, struct str name)
{
    struct memory_log *log = (struct memory_log *)port;
    for (uint32_t i = 0; i < log->count; i++) {
        if (str_equal(str_from(log->files[i].name), name)) return &log->files[i];
    }
    return NULL;
}

static inline enum status memory_read(struct log_store *port, struct str name,
                                      struct buf *out_bytes, struct error *out_error)
{
    (void)out_error; /* nothing fails */
    const struct memory_file *file = memory_find(port, name);
    if (file == NULL) return STATUS_NOT_FOUND;
    buf_reset(out_bytes);
    buf_append(out_bytes, file->bytes, file->size);
    return buf_status(out_bytes);
}

static inline enum status memory_write(struct log_store *port, struct str name, struct str bytes,
                                       struct error *out_error)
{
    struct memory_log *log = (struct memory_log *)port;
    if (log->writes_left == 0) return error_set(out_error, STATUS_LIMIT, "told to");
    log->writes_left--;
    struct memory_file *file = memory_find(port, name);
    if (file == NULL) {
        assert_true(log->count < MEMORY_FILES_MAX);
        file = &log->files[log->count++];
        memset(file, 0, sizeof *file);
        memcpy(file->name, name.data, name.len);
    }
    free(file->bytes);
    file->bytes = malloc(bytes.len + 1);
    assert_non_null(file->bytes);
    memcpy(file->bytes, bytes.data, bytes.len);
    file->size = bytes.len;
    return STATUS_OK;
}

static inline enum status memory_remove(struct log_store *port, struct str name,
                                        struct error *out_error)
{
    (void)out_error; /* nothing fails */
    struct memory_log *log = (struct memory_log *)port;
    struct memory_file *file = memory_find(port, name);
    if (file == NULL) return STATUS_OK;
    free(file->bytes);
    *file = log->files[--log->count];
    return STATUS_OK;
}

static inline enum status memory_sync(struct log_store *port, struct error *out_error)
{
    (void)out_error; /* nothing fails */
    ((struct memory_log *)port)->syncs++;
    return STATUS_OK;
}

static inline enum status memory_head_read(struct log_store *port, struct log_head *out_head,
                                           struct error *out_error)
{
    (void)out_error; /* nothing fails */
    const struct memory_log *log = (const struct memory_log *)port;
    if (!log->has_head) return STATUS_NOT_FOUND;
    *out_head = log->head;
    return STATUS_OK;
}

static inline enum status memory_head_write(struct log_store *port, const struct log_head *head,
                                            struct error *out_error)
{
    struct memory_log *log = (struct memory_log *)port;
    log->head = *head;
    log->has_head = true;
    if (log->head_doubts == 0) return STATUS_OK;
    log->head_doubts--;
    return error_set(out_error, STATUS_UNAVAILABLE, "told to");
}

static inline void memory_close(struct log_store *port)
{
    (void)port; /* the scene's */
}

/* ---- A lane and its log ---- */

struct log_scene {
    struct bench *bench;
    struct memory_log *files;
    struct note_signer signer;
    struct secret key;
    struct log_relay *relay;
    uint64_t next_id;
};

static inline void files_clear(struct memory_log *files)
{
    while (files->count > 0) free(files->files[--files->count].bytes);
}

static inline struct memory_log *files_new(void)
{
    struct memory_log *files = calloc(1, sizeof *files);
    assert_non_null(files);
    files->port =
        (struct log_store){ memory_read,      memory_write,      memory_remove, memory_sync,
                            memory_head_read, memory_head_write, memory_close };
    files->writes_left = UINT32_MAX;
    return files;
}

static inline void scene_start(struct log_scene *scene)
{
    const struct log_relay_ports ports = { &scene->bench->sync.port, &scene->bench->clock.port,
                                           &scene->bench->log.port, &scene->bench->store.port,
                                           &scene->files->port };
    const struct log_relay_options options = { .signer = &scene->signer, .key = &scene->key };
    assert_int_equal(log_relay_open(scene->bench->lane, &ports, &options, &scene->relay, NULL),
                     STATUS_OK);
}

static inline void scene_open(struct log_scene *scene)
{
    uint8_t seed[ED25519_SEED_SIZE] = { 7 };
    uint8_t salt[LEAF_KEY_SIZE] = { 8 };
    *scene = (struct log_scene){ .next_id = 1000 };
    scene->bench = bench_new();
    scene->files = files_new();
    assert_int_equal(note_signer_make(STR("example.com/log"), NOTE_ED25519, seed, &scene->signer),
                     STATUS_OK);
    assert_int_equal(secret_take(salt, sizeof salt, &scene->key), STATUS_OK);
    test_accounts(scene->bench, 2);
    scene_start(scene);
}

static inline void scene_close(struct log_scene *scene)
{
    log_relay_close(scene->relay);
    note_signer_done(&scene->signer);
    secret_done(&scene->key);
    files_clear(scene->files);
    free(scene->files);
    bench_free(scene->bench);
}

/* So many transfers in one batch, followed. */
static inline void scene_pay(struct log_scene *scene, uint32_t count)
{
    struct transfer transfers[300];
    static struct transfer_result results[300];
    assert_true(count <= 300);
    for (uint32_t i = 0; i < count; i++) {
        transfers[i] = test_transfer(scene->next_id++, 1 + i % 2, 2 - i % 2, 5);
    }
    assert_int_equal(test_run(scene->bench, transfers, results, count), STATUS_OK);
}

static inline void scene_settle(struct log_scene *scene)
{
    while (log_relay_step(scene->relay)) continue;
}

static inline struct payment_result scene_payment(struct log_scene *scene, uint64_t number)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_WALLET;
    command.draft.amount.minor = 250;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(1);
    command.draft.counter.value = test_id(2);
    struct payment_result result;
    struct request request = { .kind = REQUEST_PAYMENT,
                               .root = lane_new_id(scene->bench->lane),
                               .trace = { .id = { 3, 4 } },
                               .count = 1,
                               .payment = &command,
                               .payment_result = &result };
    assert_int_equal(lane_run(scene->bench->lane, &request), STATUS_OK);
    return result;
}

/* ---- Histories that were changed ---- */

/* From this batch on, with right hashes: as somebody would who knows the format. */
static inline void disk_rechain(struct disk *disk, uint64_t from)
{
    for (uint64_t i = from; i <= disk->head; i++) {
        struct batch_header *header = (struct batch_header *)disk->batches[i].data;
        header->sequence = i;
        header->previous = disk->batches[i - 1].hash;
        if (i == 1) header->previous = (struct digest){ { 0 } };
        header->check = 0;
        header->check = (uint32_t)XXH3_64bits(header, sizeof *header);
        disk->batches[i].hash = digest_of(disk->batches[i].data, disk->batches[i].size);
    }
}

/* The first transfer of a batch. */
static inline struct record_transfer *disk_transfer(struct disk *disk, uint64_t sequence)
{
    struct batch_reader reader;
    const struct record_head *record;
    const struct disk_batch *batch = &disk->batches[sequence];
    const struct str blob = { (const char *)batch->data, batch->size };
    assert_int_equal(batch_open(blob, &reader, NULL), STATUS_OK);
    do {
        assert_int_equal(batch_next(&reader, &record, NULL), STATUS_OK);
    } while (record->type != RECORD_TRANSFER);
    return (struct record_transfer *)(uintptr_t)record;
}

static inline void disk_change_transfer(struct disk *disk, uint64_t sequence)
{
    struct record_transfer *transfer = disk_transfer(disk, sequence);
    transfer->code ^= 1;
    batch_recheck(&transfer->head);
    disk_rechain(disk, sequence);
}

static inline void disk_roll_back(struct disk *disk, uint64_t head)
{
    while (disk->head > head) free(disk->batches[disk->head--].data);
}

#endif
