// Debian's libssl-dev.
#pragma once
#include <openssl/evp.h>
#include <openssl/rand.h>
