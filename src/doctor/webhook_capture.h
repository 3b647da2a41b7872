/* webhook_capture.h - a captured request of a webhook as evidence, its signature looked at again. */
#ifndef DOCTOR_WEBHOOK_CAPTURE_H
#define DOCTOR_WEBHOOK_CAPTURE_H

#include "doctor/value_map.h"
#include "webhook/signature.h"

/*
 * A line of a capture:
 *
 *     {"ts":"2026-11-23T06:14:50Z","headers":{"Webhook-Id":"evt_1"},"body":"eyJpZCI6...","status":200}
 *
 * body is base64 of the raw bytes, or body_text the text that they are; headers an object, or an
 * array of [name, value]; status what the receiver answered, if it did; connector, delivery and
 * direction ("in", "out") as in docs/bundle.md. Texts are views into the tree or the arena.
 */
struct webhook_capture {
    struct wall_time at;
    int64_t status;        /* 0: no answer is known */
    const char *direction; /* "in" or "out" */
    bool verified;         /* whoever kept it had verified it */
    bool processed;        /* and had dealt with it */
    struct str connector;
    struct str delivery;
    struct str body;
    uint32_t header_count;
    struct webhook_header headers[WEBHOOK_HEADERS_MAX];
};

/* False with a static reason. The arena needs the line's size, and 64 bytes. */
bool webhook_capture_read(const struct json_node *line, const char *direction, struct arena *arena,
                          struct webhook_capture *out_capture, const char **out_reason);

/* Secrets to check signatures with; they stay here. */
struct webhook_judge {
    struct webhook_policy policy;
    struct signing_key *keys[SIGNING_KEYS_MAX];
    uint32_t key_count; /* 0: there are none, and nothing is said of signatures */
    struct webhook_scratch scratch;
};

/*
 * Appends the record: event and type out of headers and body, the verdict of the receiver, and what
 * the signature is worth: with the bytes as they came, with another secret, as JSON that was
 * written again. False when it has no event's id, and nothing is appended. The arena is for the
 * body's members: 25 times its size, and 64 KiB.
 */
struct webhook_writing {
    struct webhook_judge *judge;
    const struct value_map *map;
    struct arena *arena;
    struct buf *out;
    struct mask_counts *masked;
};
bool webhook_capture_write(const struct webhook_capture *capture,
                           const struct webhook_writing *writing);

/* The paths of what bodies and headers usually have; after those of a file. */
extern const char webhook_capture_paths[];

#endif
