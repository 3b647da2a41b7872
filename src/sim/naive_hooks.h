/* naive_hooks.h - webhooks of the PSP, from their sending to what is done about them. */
#ifndef SIM_NAIVE_HOOKS_H
#define SIM_NAIVE_HOOKS_H

#include "sim/naive_world.h"

/* The PSP tells us; again and again until we have confirmed. No line: somebody else tells us. */
void naive_hooks_send(struct naive_world *world, const char *type, uint32_t line, uint32_t origin,
                      uint32_t sequence);
/* Somebody sends again by hand what could not be delivered since a time. */
void naive_hooks_resend(struct naive_world *world, int64_t since_us);
/* Credits a payment's account, because of an API call or of this event. */
void naive_hooks_post(struct naive_world *world, uint32_t payment, const char *cause,
                      const char *event);
/* How far a host's clock is from true time. */
int64_t naive_skew_us(const struct naive_world *world, const char *host);

#endif
