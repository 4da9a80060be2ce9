#pragma once
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL has as macros or variadic functions, which Swift cannot import.
static inline long kastellan_ctx_min_protocol(SSL_CTX *c, int v) { return SSL_CTX_set_min_proto_version(c, v); }
static inline long kastellan_ctx_max_protocol(SSL_CTX *c, int v) { return SSL_CTX_set_max_proto_version(c, v); }
static inline void kastellan_ctx_stream_modes(SSL_CTX *c) {
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
}
static inline long kastellan_ctx_add_chain(SSL_CTX *c, X509 *x) { return SSL_CTX_add1_chain_cert(c, x); }
static inline long kastellan_ssl_server_name(SSL *s, const char *name) { return SSL_set_tlsext_host_name(s, name); }
static inline BIO *kastellan_memory(void) { return BIO_new(BIO_s_mem()); }
static inline long kastellan_memory_data(BIO *b, char **data) { return BIO_get_mem_data(b, data); }
static inline EVP_PKEY *kastellan_ec_key(void) { return EVP_EC_gen("P-256"); }
static inline unsigned long kastellan_name_format(void) { return XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB; }
static const int kastellan_utf8 = MBSTRING_UTF8;
static inline int kastellan_add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension) return 0;
    int done = X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}
