// string.format (reference manual 5.4, section 6.4), which counts its steps and shows no addresses.

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "Engine.h"

/// What C's conversions make at most: 99 digits behind the point of the largest number.
enum { item_bytes_max = 512, specification_bytes_max = 22 };
static const char number_flags[] = "-+#0 ", octal_flags[] = "-#0", integer_flags[] = "-+0 ", text_flags[] = "-";

/// `%`, flags, width, precision and the letter, as they stand in the format.
struct specification {
    char text[specification_bytes_max + 8];
    size_t length;
};

static struct specification read_specification(lua_State *L, const char *at) {
    struct specification found;
    size_t length = strspn(at, "-+#0 123456789.") + 1;
    if (length >= specification_bytes_max) luaL_error(L, "invalid format string to 'format'");
    found.text[0] = '%';
    memcpy(found.text + 1, at, length);
    found.text[length + 1] = 0;
    found.length = length + 1;
    return found;
}

static const char *skip_two_digits(const char *at) {
    if (isdigit((unsigned char)*at)) at++;
    if (isdigit((unsigned char)*at)) at++;
    return at;
}

static void check_specification(lua_State *L, const struct specification *found, const char *flags, bool has_precision) {
    const char *at = found->text + 1;
    at += strspn(at, flags);
    if (*at != '0') {
        at = skip_two_digits(at);
        if (*at == '.' && has_precision) at = skip_two_digits(at + 1);
    }
    if (!isalpha((unsigned char)*at)) luaL_error(L, "invalid conversion specification: '%s'", found->text);
}

static void add_quoted(lua_State *L, luaL_Buffer *buffer, const char *text, size_t length) {
    luaL_addchar(buffer, '"');
    for (size_t at = 0; at < length; at++) {
        if (at % 1024 == 0) spend(L, 128);
        unsigned char byte = (unsigned char)text[at];
        char escape[8];
        if (byte == '"' || byte == '\\' || byte == '\n') {
            luaL_addchar(buffer, '\\');
            luaL_addchar(buffer, (char)byte);
        } else if (iscntrl(byte)) {
            bool is_followed_by_digit = at + 1 < length && isdigit((unsigned char)text[at + 1]);
            int count = snprintf(escape, sizeof escape, is_followed_by_digit ? "\\%03d" : "\\%d", byte);
            luaL_addlstring(buffer, escape, (size_t)count);
        } else {
            luaL_addchar(buffer, (char)byte);
        }
    }
    luaL_addchar(buffer, '"');
}

static int write_literal_number(lua_State *L, int argument, char *item) {
    if (lua_isinteger(L, argument)) {
        lua_Integer integer = lua_tointeger(L, argument);
        return snprintf(item, item_bytes_max, integer == LUA_MININTEGER ? "0x%llx" : "%lld", (long long)integer);
    }
    double number = lua_tonumber(L, argument);
    if (number != number) return snprintf(item, item_bytes_max, "(0/0)");
    if (isinf(number)) return snprintf(item, item_bytes_max, number > 0 ? "1e9999" : "-1e9999");
    return snprintf(item, item_bytes_max, "%a", number);
}

static void add_literal(lua_State *L, luaL_Buffer *buffer, int argument) {
    size_t length;
    char item[item_bytes_max];
    const char *text;
    switch (lua_type(L, argument)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, argument, &length);
        add_quoted(L, buffer, text, length);
        return;
    case LUA_TNUMBER: luaL_addlstring(buffer, item, (size_t)write_literal_number(L, argument, item)); return;
    case LUA_TNIL: case LUA_TBOOLEAN:
        luaL_tolstring(L, argument, NULL);
        luaL_addvalue(buffer);
        return;
    default: luaL_argerror(L, argument, "value has no literal form");
    }
}

static void add_text(lua_State *L, luaL_Buffer *buffer, int argument, const struct specification *found) {
    size_t length;
    char item[item_bytes_max];
    const char *text = luaL_tolstring(L, argument, &length);
    spend_bytes(L, length);
    if (found->length == 2) {
        luaL_addvalue(buffer);
        return;
    }
    luaL_argcheck(L, length == strlen(text), argument, "string contains zeros");
    check_specification(L, found, text_flags, true);
    if (!strchr(found->text, '.') && length >= 100) {
        luaL_addvalue(buffer);
        return;
    }
    int count = snprintf(item, sizeof item, found->text, text);
    lua_pop(L, 1);
    luaL_addlstring(buffer, item, (size_t)count);
}

static void add_integer(lua_State *L, luaL_Buffer *buffer, int argument, struct specification *found, const char *flags) {
    char item[item_bytes_max];
    lua_Integer integer = luaL_checkinteger(L, argument);
    check_specification(L, found, flags, true);
    char letter = found->text[found->length - 1];
    memcpy(found->text + found->length - 1, (char[]){'l', 'l', letter, 0}, 4);
    luaL_addlstring(buffer, item, (size_t)snprintf(item, sizeof item, found->text, (long long)integer));
}

static void add_number(lua_State *L, luaL_Buffer *buffer, int argument, const struct specification *found) {
    char item[item_bytes_max];
    double number = luaL_checknumber(L, argument);
    check_specification(L, found, number_flags, true);
    luaL_addlstring(buffer, item, (size_t)snprintf(item, sizeof item, found->text, number));
}

static void add_item(lua_State *L, luaL_Buffer *buffer, int argument, struct specification *found) {
    char item[item_bytes_max];
    switch (found->text[found->length - 1]) {
    case 'c':
        check_specification(L, found, text_flags, false);
        luaL_addlstring(buffer, item,
                        (size_t)snprintf(item, sizeof item, found->text, (int)luaL_checkinteger(L, argument)));
        return;
    case 'd': case 'i': add_integer(L, buffer, argument, found, integer_flags); return;
    case 'u': add_integer(L, buffer, argument, found, "-0"); return;
    case 'o': case 'x': case 'X': add_integer(L, buffer, argument, found, octal_flags); return;
    case 'a': case 'A': case 'f': case 'e': case 'E': case 'g': case 'G':
        add_number(L, buffer, argument, found);
        return;
    case 'q':
        if (found->length > 2) luaL_error(L, "specifier '%%q' cannot have modifiers");
        add_literal(L, buffer, argument);
        return;
    case 's': add_text(L, buffer, argument, found); return;
    case 'p': luaL_error(L, "invalid conversion '%%p' to 'format'");
    default: luaL_error(L, "invalid conversion '%s' to 'format'", found->text);
    }
}

int format_string(lua_State *L) {
    size_t length;
    const char *at = luaL_checklstring(L, 1, &length), *end = at + length;
    int argument = 1, top = lua_gettop(L);
    luaL_Buffer buffer;
    // Tables, functions and numbers that are kept as text are shown as text.
    for (int i = 2; i <= top; i++) {
        int kind = lua_type(L, i);
        spend(L, 1);
        if (kind <= LUA_TBOOLEAN || kind == LUA_TNUMBER || kind == LUA_TSTRING) continue;
        push_shown(L, i);
        lua_replace(L, i);
    }
    luaL_buffinit(L, &buffer);
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        size_t plain = (size_t)((percent ? percent : end) - at);
        spend_bytes(L, plain);
        luaL_addlstring(&buffer, at, plain);
        if (!percent) break;
        at = percent + 1;
        if (at < end && *at == '%') {
            luaL_addchar(&buffer, '%');
            at++;
            continue;
        }
        if (++argument > top) return luaL_argerror(L, argument, "no value");
        struct specification found = read_specification(L, at);
        at += found.length - 1;
        spend(L, 8);
        add_item(L, &buffer, argument, &found);
    }
    luaL_pushresult(&buffer);
    return 1;
}
