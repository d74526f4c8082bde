#include "koushi/app/program.hpp"

int main(int argc, char** argv) { return koushi::run_program(argc, argv); }
