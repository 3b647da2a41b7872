/* redis_scripts.h - what Redis does for the cache in one step, in Lua. */
#ifndef ADAPTER_REDIS_SCRIPTS_H
#define ADAPTER_REDIS_SCRIPTS_H

/*
 * KEYS[1] is the cache's meta: gen, epoch, floor (fills below it are refused), pos and at (the
 * frontier), and its seal (redis_value.h). ARGV[1] is the stem of values' keys. Numbers are texts of 20 digits.
 */

/* ARGV: stem, suffix -> {gen, pos, at, seal, value}, or nothing. */
#define REDIS_SCRIPT_GET                                                                           \
    "local m=redis.call('HMGET',KEYS[1],'gen','pos','at','seal')\n"                                \
    "if not m[1] or not m[2] or not m[3] or not m[4] then return false end\n"                      \
    "local d=redis.call('HGET',ARGV[1]..m[1]..ARGV[2],'d')\n"                                      \
    "if not d then return false end\n"                                                             \
    "return {m[1],m[2],m[3],m[4],d}\n"

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

/* What is no number is not there. */
#define REDIS_SCRIPT_NUMBER                                                                        \
    "local function number(t) return t and #t==20 and not string.find(t,'%D') end\n"

/* ARGV: stem, epoch -> {gen, pos, at, seal}, nothing: begin anew, or 0: a later owner has it. */
#define REDIS_SCRIPT_BEGIN                                                                         \
    REDIS_SCRIPT_NUMBER                                                                            \
    "local m=redis.call('HMGET',KEYS[1],'gen','epoch','floor','pos','at','seal')\n"                \
    "if number(m[2]) and m[2]>ARGV[2] then return 0 end\n"                                         \
    "for _,t in ipairs({m[2],m[3],m[4],m[5]}) do if not number(t) then return false end end\n"     \
    "if not m[1] or not m[6] then return false end\n"                                              \
    "redis.call('HSET',KEYS[1],'epoch',ARGV[2])\n"                                                 \
    "return {m[1],m[4],m[5],m[6]}\n"

/* ARGV: stem, epoch, head, a new generation -> 1, or 0: a later owner has it. */
#define REDIS_SCRIPT_ANEW                                                                          \
    REDIS_SCRIPT_NUMBER                                                                            \
    "local e=redis.call('HGET',KEYS[1],'epoch')\n"                                                 \
    "if number(e) and e>ARGV[2] then return 0 end\n"                                               \
    "redis.call('DEL',KEYS[1])\n"                                                                  \
    "redis.call('HSET',KEYS[1],'gen',ARGV[4],'epoch',ARGV[2],'floor',ARGV[3],'pos',ARGV[3])\n"     \
    "return 1\n"

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

/* ..., pos, at, seal -> 1 */
#define REDIS_SCRIPT_ADVANCE                                                                       \
    REDIS_SCRIPT_OWNED                                                                             \
    "redis.call('HSET',KEYS[1],'pos',ARGV[4],'at',ARGV[5],'seal',ARGV[6])\n"                       \
    "return 1\n"

/* ..., pos, at, seal, a new generation -> 1 */
#define REDIS_SCRIPT_FORGET                                                                        \
    REDIS_SCRIPT_OWNED                                                                             \
    "redis.call('HSET',KEYS[1],'gen',ARGV[7],'floor',ARGV[4],'pos',ARGV[4],'at',ARGV[5],"          \
    "'seal',ARGV[6])\n"                                                                            \
    "return 1\n"

#endif
