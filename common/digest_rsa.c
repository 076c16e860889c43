/* digest_rsa.c: RSA signatures (RS256 of RFC 7518: PKCS #1 v1.5 with SHA-256), checked with a key given as its two numbers. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "digest.h"
#include "log.h"

#define MODULUS_BITS_MIN 2048
#define MODULUS_BITS_MAX 8192 /* more only costs time, and the sender chooses it */
#define EXPONENT_BITS_MAX 64

static EVP_PKEY *from_params(OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *from_numbers(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();

    if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params)
        key = from_params(params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static bool is_usable(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);

    return bits >= MODULUS_BITS_MIN && bits <= MODULUS_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) &&
           !BN_is_one(e) && BN_num_bits(e) <= EXPONENT_BITS_MAX;
}

static EVP_PKEY *key_of(const struct digest_rsa_key *numbers)
{
    EVP_PKEY *key = NULL;
    BIGNUM *n, *e;

    if (numbers->n_len > MODULUS_BITS_MAX / 8 || numbers->e_len > MODULUS_BITS_MAX / 8)
        return NULL;
    n = BN_bin2bn(numbers->n, (int)numbers->n_len, NULL);
    e = BN_bin2bn(numbers->e, (int)numbers->e_len, NULL);
    if (!n || !e)
        fatal("out of memory");
    if (is_usable(n, e))
        key = from_numbers(n, e);
    BN_free(n);
    BN_free(e);
    return key;
}

bool digest_rsa_usable(const struct digest_rsa_key *numbers)
{
    EVP_PKEY *key = key_of(numbers);

    EVP_PKEY_free(key);
    return key != NULL;
}

bool digest_rsa_sha256_verify(const struct digest_rsa_key *numbers, const void *data, size_t len,
                              const void *signature, size_t signature_len)
{
    EVP_PKEY *key = key_of(numbers);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = key && context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, signature_len, data, len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}
