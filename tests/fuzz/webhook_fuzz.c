/*
 * Goal: no bytes in a webhook's headers or body are read past, stop the program, or verify without
 * the secret.
 * Method: the first byte picks a scheme, the next the length of the signature header; then come
 * the header and the body. Timestamp and id are taken from the body too. The header parsers read
 * the header alone; then the whole is verified with a secret that nobody knows, with diagnosis.
 * What the header holds of signatures stays within its limits.
 */
#include <stdlib.h>

#include "base/check.h"
#include "webhook/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(struct str header)
{
    struct signature_list list;
    uint64_t seconds = 0;
    if (signature_header_standard(header, &list) == STATUS_OK) {
        CHECK(list.count > 0 && list.count <= SIGNATURES_MAX);
        CHECK(!list.timed);
    }
    if (signature_header_stripe(header, &list) == STATUS_OK) {
        CHECK(list.count > 0 && list.count <= SIGNATURES_MAX);
        CHECK(list.timed);
        CHECK(signature_timestamp(list.timestamp, &seconds) == STATUS_OK);
        CHECK(seconds == list.timestamp_s);
    }
    if (signature_header_plain(header, STR("sha256="), false, &list) == STATUS_OK) {
        CHECK(list.count == 1);
        CHECK(header.len == 7 + 64);
    }
    if (signature_timestamp(header, &seconds) == STATUS_OK) CHECK(header.len <= 11);
}

/* A copy of exactly its size, so that a read behind it is found. */
static struct str copy_of(const uint8_t *data, size_t size)
{
    char *copy = malloc(size == 0 ? 1 : size);
    CHECK(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    return (struct str){ copy, size };
}

static void verify(unsigned scheme, struct str header, struct str body)
{
    static const char secret[] = "a secret that nobody will ever guess";
    const struct webhook_policy policies[] = {
        { .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 },
        { .scheme = WEBHOOK_STRIPE, .tolerance_s = 300 },
        { .scheme = WEBHOOK_PLAIN, .signature_header = "stripe-signature", .prefix = "sha256=" },
        { .scheme = WEBHOOK_PLAIN,
          .base64 = true,
          .signature_header = "webhook-signature",
          .timestamp_header = "webhook-timestamp" },
    };
    struct signing_key key;
    struct signing_key *keys[] = { &key };
    CHECK(signing_key_plain(STR(secret), &key) == STATUS_OK);
    struct webhook_scratch scratch;
    buf_init(&scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&scratch.form, WEBHOOK_SCRATCH_SIZE);
    size_t half = body.len / 2;
    const struct webhook_header headers[] = {
        { STR("webhook-id"), { body.data, half } },
        { STR("webhook-timestamp"), { body.data + half, body.len - half } },
        { STR("webhook-signature"), header },
        { STR("stripe-signature"), header },
    };
    const struct webhook_check check = { .policy = &policies[scheme % 4],
                                         .keys = keys,
                                         .key_count = 1,
                                         .now = { 1614265330 * NS_PER_S },
                                         .diagnose = true,
                                         .scratch = &scratch };
    const struct webhook_message message = { headers, 4, body };
    struct webhook_verdict verdict;
    CHECK(!webhook_verify(&check, &message, &verdict));
    CHECK(verdict.reason != WEBHOOK_REASON_VERIFIED);
    struct buf text;
    buf_init(&text, 4096);
    webhook_verdict_write(&verdict, &text);
    CHECK(buf_status(&text) == STATUS_OK);
    buf_free(&text);
    buf_free(&scratch.message);
    buf_free(&scratch.form);
    signing_key_done(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t header_size = data[1] < size - 2 ? data[1] : size - 2;
    struct str header = copy_of(data + 2, header_size);
    struct str body = copy_of(data + 2 + header_size, size - 2 - header_size);
    parse(header);
    verify(data[0], header, body);
    free((void *)(uintptr_t)header.data);
    free((void *)(uintptr_t)body.data);
    return 0;
}
