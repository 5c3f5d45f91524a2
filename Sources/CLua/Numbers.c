// Numbers that neither a 64-bit integer nor a double holds are kept as their text: passed through, they come out unchanged.
// Arithmetic takes those with a fraction or an exponent as the nearest double, as it does all such numbers, and refuses the
// others: a large integer does not lose its digits in silence. Comparison is exact among integers.

#include <math.h>
#include <stdio.h>

#include "Engine.h"

bool is_written_number(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return false;
    bool is_number = lua_topointer(L, -1) == owner(L)->number_metatable;
    lua_pop(L, 1);
    return is_number;
}

const char *written_number(lua_State *L, int index, size_t *length) {
    const char *token = lua_touserdata(L, index);
    *length = lua_rawlen(L, index) - 1;
    return token;
}

static char metatable_key;

static void push_written(lua_State *L, const char *token, size_t length) {
    char *copy = lua_newuserdatauv(L, length + 1, 0);
    memcpy(copy, token, length);
    copy[length] = 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
}

/// A double has at most 17 digits that count, so a number with more than this many is never the same.
enum { digits_max = 24 };

/// The digits without leading and trailing zeros, and the power of ten of the last one.
struct decimal {
    char digits[digits_max];
    int count;
    long exponent;
    bool is_too_long;
};

static struct decimal read_decimal(const char *token) {
    struct decimal decimal = {.count = 0};
    bool is_fraction = false;
    long zeros = 0;
    for (; *token && *token != 'e' && *token != 'E'; token++) {
        if (*token == '.') is_fraction = true;
        if (*token < '0' || *token > '9') continue;
        if (is_fraction) decimal.exponent--;
        if (*token == '0') {
            zeros++;
            continue;
        }
        if (decimal.count > 0) {
            for (; zeros > 0 && decimal.count < digits_max; zeros--) decimal.digits[decimal.count++] = '0';
        }
        zeros = 0;
        if (decimal.count == digits_max) {
            decimal.is_too_long = true;
            return decimal;
        }
        decimal.digits[decimal.count++] = *token;
    }
    decimal.exponent += zeros;
    if (*token) decimal.exponent += strtol(token + 1, NULL, 10);
    if (decimal.count == 0) decimal.exponent = 0;
    return decimal;
}

static bool is_the_same(const char *token, double number) {
    if (!isfinite(number)) return false;
    char text[32];
    write_double(text, number);
    struct decimal left = read_decimal(token), right = read_decimal(text);
    return !left.is_too_long && left.count == right.count && left.exponent == right.exponent
        && memcmp(left.digits, right.digits, (size_t)left.count) == 0;
}

/// Digits only, perhaps behind a minus.
static bool read_integer(const char *token, size_t length, lua_Integer *integer) {
    bool is_negative = token[0] == '-';
    if (length > 20 || (is_negative && token[1] == '0')) return false;
    lua_Integer value = 0;
    for (size_t i = is_negative; i < length; i++) {
        if (token[i] < '0' || token[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_sub_overflow(value, token[i] - '0', &value)) return false;
    }
    if (!is_negative && __builtin_sub_overflow(0, value, &value)) return false;
    *integer = value;
    return true;
}

static bool is_integer_token(const char *token) {
    return strcspn(token, ".eE") == strlen(token);
}

bool push_number(lua_State *L, const char *token, size_t length) {
    lua_Integer integer;
    if (read_integer(token, length, &integer)) {
        lua_pushinteger(L, integer);
        return false;
    }
    char text[64], canonical[32];
    if (length < sizeof text) {
        memcpy(text, token, length);
        text[length] = 0;
        double number = strtod(text, NULL);
        bool is_negative_zero = number == 0 && length == 2;
        if (is_the_same(text, number) && (is_negative_zero || !is_integer_token(text))) {
            lua_pushnumber(L, number);
            size_t count = (size_t)write_double(canonical, number);
            if (count != length || memcmp(canonical, token, length) != 0) return true;
            note_canonical(owner(L), number);
            return false;
        }
    }
    push_written(L, token, length);
    return false;
}

// Arithmetic and comparison

static double nearest_double(lua_State *L, int index) {
    size_t length;
    return strtod(written_number(L, index, &length), NULL);
}

/// Replaces a kept number by the nearest double; raises where that would be another number without a word: integers beyond
/// 64 bits, and what is beyond a double.
static void round_to_double(lua_State *L, int index) {
    if (!is_written_number(L, index)) return;
    size_t length;
    const char *token = written_number(L, index, &length);
    double number = strtod(token, NULL);
    if (is_integer_token(token) || !isfinite(number)) {
        luaL_error(L, "arithmetic with %s would not be exact: %s (tonumber gives the nearest number that Lua can hold)",
                   length > 40 ? "a number of many digits" : token,
                   isfinite(number) ? "integers have 64 bits" : "it is beyond a floating point number");
    }
    lua_pushnumber(L, number);
    lua_replace(L, index);
}

static int calculate(lua_State *L) {
    int operation = (int)lua_tointeger(L, lua_upvalueindex(1));
    lua_settop(L, 2);
    for (int i = 1; i <= 2; i++) {
        round_to_double(L, i);
        if (lua_type(L, i) != LUA_TNUMBER && !lua_isnumber(L, i))
            return luaL_error(L, "attempt to perform arithmetic on a %s value", luaL_typename(L, i));
    }
    if (operation == LUA_OPUNM || operation == LUA_OPBNOT) lua_settop(L, 1);
    lua_arith(L, operation);
    return 1;
}

static int order_magnitudes(const char *left, const char *right) {
    size_t left_count = strlen(left), right_count = strlen(right);
    if (left_count != right_count) return left_count < right_count ? -1 : 1;
    return strcmp(left, right);
}

/// Of two integers beyond 64 bits, or one and an integer within them (`NULL`).
static int order_integers(const char *left, const char *right) {
    bool is_left_negative = left && *left == '-', is_right_negative = right && *right == '-';
    if (!left) return is_right_negative ? 1 : -1;
    if (!right) return is_left_negative ? -1 : 1;
    if (is_left_negative != is_right_negative) return is_left_negative ? -1 : 1;
    return is_left_negative ? order_magnitudes(right + 1, left + 1) : order_magnitudes(left, right);
}

/// Whether the value is an integer, kept or Lua's own; `token` is NULL for Lua's own.
static bool read_integer_value(lua_State *L, int index, const char **token) {
    size_t length;
    *token = NULL;
    if (lua_isinteger(L, index)) return true;
    if (!is_written_number(L, index)) return false;
    *token = written_number(L, index, &length);
    return is_integer_token(*token);
}

static int compare(lua_State *L) {
    int operation = (int)lua_tointeger(L, lua_upvalueindex(1));
    const char *left, *right;
    bool is_left_integer = read_integer_value(L, 1, &left), is_right_integer = read_integer_value(L, 2, &right);
    if (is_left_integer && is_right_integer) {
        int order = order_integers(left, right);
        lua_pushboolean(L, operation == LUA_OPEQ ? order == 0 : operation == LUA_OPLT ? order < 0 : order <= 0);
        return 1;
    }
    for (int i = 1; i <= 2; i++) {
        if (!is_written_number(L, i) && lua_type(L, i) != LUA_TNUMBER)
            return luaL_error(L, "attempt to compare number with %s", luaL_typename(L, i));
        lua_pushnumber(L, is_written_number(L, i) ? nearest_double(L, i) : lua_tonumber(L, i));
    }
    lua_pushboolean(L, lua_compare(L, -2, -1, operation));
    return 1;
}

static int concatenate(lua_State *L) {
    for (int i = 1; i <= 2; i++) {
        if (is_written_number(L, i)) {
            size_t length;
            const char *token = written_number(L, i, &length);
            lua_pushlstring(L, token, length);
            lua_replace(L, i);
        } else if (!lua_isstring(L, i)) {
            return luaL_error(L, "attempt to concatenate a %s value",
                              lua_islightuserdata(L, i) ? "null" : luaL_typename(L, i));
        }
    }
    lua_concat(L, 2);
    return 1;
}

static void set_operation(lua_State *L, const char *name, lua_CFunction function, int operation) {
    lua_pushinteger(L, operation);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

void open_numbers(lua_State *L) {
    lua_newtable(L);
    owner(L)->number_metatable = lua_topointer(L, -1);
    set_operation(L, "__add", calculate, LUA_OPADD);
    set_operation(L, "__sub", calculate, LUA_OPSUB);
    set_operation(L, "__mul", calculate, LUA_OPMUL);
    set_operation(L, "__div", calculate, LUA_OPDIV);
    set_operation(L, "__mod", calculate, LUA_OPMOD);
    set_operation(L, "__pow", calculate, LUA_OPPOW);
    set_operation(L, "__idiv", calculate, LUA_OPIDIV);
    set_operation(L, "__unm", calculate, LUA_OPUNM);
    set_operation(L, "__band", calculate, LUA_OPBAND);
    set_operation(L, "__bor", calculate, LUA_OPBOR);
    set_operation(L, "__bxor", calculate, LUA_OPBXOR);
    set_operation(L, "__shl", calculate, LUA_OPSHL);
    set_operation(L, "__shr", calculate, LUA_OPSHR);
    set_operation(L, "__bnot", calculate, LUA_OPBNOT);
    set_operation(L, "__eq", compare, LUA_OPEQ);
    set_operation(L, "__lt", compare, LUA_OPLT);
    set_operation(L, "__le", compare, LUA_OPLE);
    lua_pushcfunction(L, concatenate);
    lua_setfield(L, -2, "__concat");
    // In Lua's messages: it is a number that was misused.
    lua_pushliteral(L, "number");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}
