/* redis_scripts.h - what Redis does for the cache in one step, in Lua. */
#ifndef ADAPTER_REDIS_SCRIPTS_H
#define ADAPTER_REDIS_SCRIPTS_H

/*
 * KEYS[1] is the cache's meta: gen, epoch, floor (fills below it are refused), pos and at (the
 * frontier). ARGV[1] is the stem of values' keys. Numbers are texts of 20 digits.
 */

/* ARGV: stem, suffix -> {pos, at, value}, or nothing. */
#define REDIS_SCRIPT_GET                                                                           \
    "local m=redis.call('HMGET',KEYS[1],'gen','pos','at')\n"                                       \
    "if not m[1] or not m[2] or not m[3] then return false end\n"                                  \
    "local d=redis.call('HGET',ARGV[1]..m[1]..ARGV[2],'d')\n"                                      \
    "if not d then return false end\n"                                                             \
    "return {m[2],m[3],d}\n"

/* ARGV: stem, suffix, version, value, ttl -> 1, or 0: it was refused. */
#define REDIS_SCRIPT_FILL                                                                          \
    "local m=redis.call('HMGET',KEYS[1],'gen','floor')\n"                                          \
    "if not m[1] or not m[2] or ARGV[3]<m[2] then return 0 end\n"                                  \
    "local k=ARGV[1]..m[1]..ARGV[2]\n"                                                             \
    "local v=redis.call('HGET',k,'v')\n"                                                           \
    "if v and v>=ARGV[3] then return 0 end\n"                                                      \
    "redis.call('HSET',k,'v',ARGV[3],'d',ARGV[4])\n"                                               \
    "redis.call('PEXPIRE',k,tonumber(ARGV[5]))\n"                                                  \
    "return 1\n"

/* ARGV: stem, epoch, head, a new generation -> {gen, pos}, or nothing: a later owner has it. */
#define REDIS_SCRIPT_BEGIN                                                                         \
    "local m=redis.call('HMGET',KEYS[1],'gen','epoch','floor','pos')\n"                            \
    "if m[2] and m[2]>ARGV[2] then return false end\n"                                             \
    "if m[1] and m[2] and m[3] and m[4] and m[4]<=ARGV[3] then\n"                                  \
    "  redis.call('HSET',KEYS[1],'epoch',ARGV[2])\n"                                               \
    "  return {m[1],m[4]}\n"                                                                       \
    "end\n"                                                                                        \
    "redis.call('DEL',KEYS[1])\n"                                                                  \
    "redis.call('HSET',KEYS[1],'gen',ARGV[4],'epoch',ARGV[2],'floor',ARGV[3],'pos',ARGV[3])\n"     \
    "return {ARGV[4],ARGV[3]}\n"

/* What the owner's scripts begin with; ARGV: stem, generation, epoch, ... */
#define REDIS_SCRIPT_OWNED                                                                         \
    "local m=redis.call('HMGET',KEYS[1],'gen','epoch')\n"                                          \
    "if m[1]~=ARGV[2] or m[2]~=ARGV[3] then return -1 end\n"

/* ..., floor -> 1 */
#define REDIS_SCRIPT_FLOOR                                                                         \
    REDIS_SCRIPT_OWNED "redis.call('HSET',KEYS[1],'floor',ARGV[4])\nreturn 1\n"

/* ..., suffix, version, value -> 1, or 0: it is not there, or not older. */
#define REDIS_SCRIPT_UPDATE                                                                        \
    REDIS_SCRIPT_OWNED                                                                             \
    "local k=ARGV[1]..ARGV[2]..ARGV[4]\n"                                                          \
    "local v=redis.call('HGET',k,'v')\n"                                                           \
    "if not v or v>=ARGV[5] then return 0 end\n"                                                   \
    "redis.call('HSET',k,'v',ARGV[5],'d',ARGV[6])\n"                                               \
    "return 1\n"

/* ..., pos, at -> 1 */
#define REDIS_SCRIPT_ADVANCE                                                                       \
    REDIS_SCRIPT_OWNED "redis.call('HSET',KEYS[1],'pos',ARGV[4],'at',ARGV[5])\nreturn 1\n"

/* ..., pos, at, a new generation -> 1 */
#define REDIS_SCRIPT_FORGET                                                                        \
    REDIS_SCRIPT_OWNED                                                                             \
    "redis.call('HSET',KEYS[1],'gen',ARGV[6],'floor',ARGV[4],'pos',ARGV[4],'at',ARGV[5])\n"        \
    "return 1\n"

#endif
