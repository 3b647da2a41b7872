/*
 * Goal: no bytes make the reading of a custody log crash or loop.
 * Method: the input as a log, read to its end.
 */
#include "doctor/custody.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct custody_chain chain = { 0 };
    struct custody_entry entry;
    struct error error;
    while (custody_next(&rest, &chain, &entry, &error) == STATUS_OK)
        ;
    return 0;
}
