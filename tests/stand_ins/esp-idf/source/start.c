/* The task that ESP-IDF runs app_main in. */
void app_main(void);

int main(void) {
  app_main();
  return 0;
}
