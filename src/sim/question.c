/* Contents and their fingerprint. */
#include "sim/question.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

static void *zeroed(uint32_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    CHECK(memory != NULL);
    return memory;
}

struct question *question_new(enum request_kind kind, uint32_t count)
{
    struct question *question = zeroed(1, sizeof *question);
    question->references = 1;
    question->kind = kind;
    question->count = count;
    question->fresh = true;
    if (kind == REQUEST_TRANSFERS) {
        question->transfers = zeroed(count, sizeof(struct transfer));
        question->absent = zeroed(count, sizeof(bool));
    }
    if (kind == REQUEST_ACCOUNTS) question->accounts = zeroed(count, sizeof(struct account));
    if (kind == REQUEST_PAYMENT) {
        question->payment = zeroed(count, sizeof(struct payment_command));
        question->absent = zeroed(count, sizeof(bool));
    }
    if (kind == REQUEST_READ) question->ids = zeroed(count, sizeof(struct uuid));
    return question;
}

struct question *question_share(struct question *question)
{
    question->references++;
    return question;
}

void question_release(struct question *question)
{
    if (question == NULL) return;
    CHECK(question->references > 0);
    question->references--;
    if (question->references > 0) return;
    free(question->transfers);
    free(question->absent);
    free(question->accounts);
    free(question->payment);
    free(question->ids);
    free(question);
}

void question_sign(struct question *question)
{
    uint64_t hash = 0;
    if (question->kind == REQUEST_TRANSFERS) {
        hash = hash_bytes(question->transfers, question->count * sizeof(struct transfer));
    } else if (question->kind == REQUEST_ACCOUNTS) {
        hash = hash_bytes(question->accounts, question->count * sizeof(struct account));
    } else if (question->kind == REQUEST_PAYMENT) {
        hash = hash_bytes(question->payment, sizeof *question->payment);
    } else if (question->kind == REQUEST_ADMIN) {
        hash = hash_bytes(&question->admin, sizeof question->admin);
    }
    question->fingerprint = (struct uuid){ .lo = hash, .hi = question->count | UINT64_C(1) << 32 };
}

bool question_item_linked(const struct question *question, uint32_t index)
{
    if (question->kind != REQUEST_TRANSFERS) return false;
    bool with_next = (question->transfers[index].flags & TRANSFER_FLAG_LINKED) != 0;
    bool with_last =
        index > 0 && (question->transfers[index - 1].flags & TRANSFER_FLAG_LINKED) != 0;
    return with_next || with_last;
}

struct uuid question_item_id(const struct question *question, uint32_t index, struct uuid root)
{
    struct uuid own = question->kind == REQUEST_TRANSFERS ? question->transfers[index].id.value
                                                          : question->accounts[index].id.value;
    return uuid_is_nil(own) ? uuid_derive(root, index) : own;
}
