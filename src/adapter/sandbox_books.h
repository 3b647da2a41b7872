/* sandbox_books.h - statements, clock, books and faults of the native wire. */
#ifndef ADAPTER_SANDBOX_BOOKS_H
#define ADAPTER_SANDBOX_BOOKS_H

#include "adapter/sandbox_desk.h"

/* Ends with an entry whose path is NULL. */
extern const struct desk_route desk_book_routes[];

#endif
