/* demo_day.h - a made-up day of payments, of every kind, the same choices on every machine. */
#ifndef CMD_DEMO_DAY_H
#define CMD_DEMO_DAY_H

#include "base/prng.h"
#include "cmd/demo_caller.h"
#include "model/payment.h"

enum {
    DEMO_PAYMENTS_MAX = 20000,
    DEMO_WALLETS = 40,
    DEMO_MERCHANTS = 5,
};

struct demo_payment {
    struct uuid id;
    uint8_t kind; /* enum payment_kind */
    bool by_card; /* MERCHANT: reserved at the PSP */
};

struct demo_day {
    struct demo_caller *caller;
    struct prng prng;
    struct uuid wallets[DEMO_WALLETS]; /* EUR */
    struct uuid dollars[DEMO_WALLETS]; /* of the same customers */
    struct uuid merchants[DEMO_MERCHANTS];
    struct demo_payment payments[DEMO_PAYMENTS_MAX];
    uint32_t count;
    uint64_t refused; /* at once: too little money, nothing left to give back */
};

void demo_day_init(struct demo_day *day, struct demo_caller *caller, uint64_t seed);

/* Wallets, merchants, the chart of EUR and USD, and a rate. */
enum status demo_day_prepare(struct demo_day *day) MUST_CHECK;

/*
 * The next payment, and what follows from it: quotes are executed, reservations captured whole or
 * in part, cancelled, or left to expire. The first ones bring money into the wallets.
 */
enum status demo_day_next(struct demo_day *day) MUST_CHECK;

/* A pay-in of a card under a chosen id. */
enum status demo_day_pay_in(struct demo_day *day, struct uuid id, const char *method) MUST_CHECK;

/* The reservations of the last cards. */
enum status demo_day_end(struct demo_day *day) MUST_CHECK;

#endif
