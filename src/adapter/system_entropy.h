/* system_entropy.h - port/entropy.h over getrandom(2). */
#ifndef ADAPTER_SYSTEM_ENTROPY_H
#define ADAPTER_SYSTEM_ENTROPY_H

#include "port/entropy.h"

/*
 * The one instance, always there; not to be freed. Bytes come from the kernel's generator,
 * through a few kept by each thread, which a fork does not share.
 */
struct entropy *system_entropy(void);

#endif
