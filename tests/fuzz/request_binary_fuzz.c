/*
 * Goal: no bytes sent as binary transfers are read past, stop the program, or reach the ledger
 * against the model's rules.
 * Method: the input is the body. What is taken has the input's bytes, passes the model's rules,
 * has ids, and its linked groups end.
 */
#include <stdlib.h>

#include "api/transfers_parse.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct transfer transfers[REQUEST_TRANSFERS_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transfer_list list = { .transfers = transfers, .capacity = REQUEST_TRANSFERS_MAX };
    struct problem problem = { .code = NULL };
    bool taken = transfers_parse_binary((struct str){ (const char *)data, size }, &list, &problem);
    CHECK(taken != problem_is_set(&problem));
    if (!taken) return 0;
    CHECK(list.count * sizeof(struct transfer) == size);
    CHECK(memcmp(transfers, data, size) == 0);
    for (uint32_t i = 0; i < list.count; i++) {
        const char *field;
        CHECK(transfer_fault(&transfers[i], &field) == NULL);
        CHECK(!uuid_is_nil(transfers[i].id.value));
    }
    CHECK((transfers[list.count - 1].flags & TRANSFER_FLAG_LINKED) == 0);
    return 0;
}
