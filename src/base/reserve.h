/* reserve.h - large arrays of fixed maximum: address space now, memory as it is touched. */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stddef.h>

/*
 * Zeroed, page aligned, never moves. NULL when the address space is refused. The kernel gives
 * pages on first touch, so a maximum costs nothing until it is used.
 */
void *reserve_new(size_t size);
/* size as it was given to reserve_new(); accepts NULL. */
void reserve_free(void *reserved, size_t size);

#endif
