/* demo_data.h - a made-up bank: accounts with openings and transfers, the same on every machine. */
#ifndef CMD_DEMO_DATA_H
#define CMD_DEMO_DATA_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/*
 * Two CSV files in the shape of the AMLSim sample: "nodeid,isFraud,init_balance,fraudStep" and
 * "sourceNodeId,targetNodeId,value,time". A few accounts are busy (shops), most are quiet, a
 * few rings move money in a circle; sources are picked without a look at their balance, so
 * that many transfers find too little, as in the sample.
 */
struct demo_data_size {
    uint32_t accounts; /* 10 to 10 million */
    uint32_t transfers;
    uint64_t seed;
};

/* STATUS_LIMIT when the file cannot be written. The same size gives the same bytes. */
enum status demo_data_accounts(const struct demo_data_size *size, FILE *file) MUST_CHECK;
enum status demo_data_transfers(const struct demo_data_size *size, FILE *file) MUST_CHECK;

#endif
