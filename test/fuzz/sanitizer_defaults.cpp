// Undefined behaviour is a finding like any other: without this, UBSan would report it and go on.
extern "C" const char* __ubsan_default_options();

extern "C" const char* __ubsan_default_options() {
  return "halt_on_error=1:print_stacktrace=1";
}
