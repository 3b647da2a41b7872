/* question.h - what a client wants done or known, and asks until it gets an answer. */
#ifndef SIM_QUESTION_H
#define SIM_QUESTION_H

#include "wallet/lane.h"

/*
 * Its contents are fixed, so that asking it again is the repeat that the API speaks of. Shared
 * by reference count between the client that asks, those who race it, and the memory from
 * which it is repeated later.
 */
struct question {
    uint32_t references;
    enum request_kind kind;
    struct principal_id principal;
    struct uuid key; /* with its fingerprint; nil: without */
    struct uuid fingerprint;
    uint32_t count;
    struct transfer *transfers; /* `count` of what its kind says, owned */
    struct account *accounts;
    struct payment_command *payment;
    struct admin admin;
    enum read_kind read_kind;
    struct uuid *ids;
    uint32_t limit;
    uint64_t from;
    struct locator after;
    bool withdraw; /* TRANSFERS: as in struct request */
    bool to_wallets;
    bool fresh; /* its ids and key were made for it, and only one client asks it */
    bool *
        absent; /* per transfer or payment: answered "not done", and not journaled in that moment */
};

/* With room for count items of its kind, all zero; one reference. */
struct question *question_new(enum request_kind kind, uint32_t count);
struct question *question_share(struct question *question);
/* Gives a reference back; accepts NULL. */
void question_release(struct question *question);

/* Sets the fingerprint from the contents. */
void question_sign(struct question *question);
/* Whether item `index` is a member of a linked group of more than one. */
bool question_item_linked(const struct question *question, uint32_t index);
/* The id of item `index` under a root: its own, or derived. */
struct uuid question_item_id(const struct question *question, uint32_t index, struct uuid root);

#endif
