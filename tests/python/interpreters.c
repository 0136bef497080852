// A program of somebody's with a CPython in it, and two sub-interpreters, each in a thread of its own: they read one byte
// 10 times and 1010 times, one after the other, while the main interpreter traces. Prints what the trace counted.
#include <Python.h>
#include <pthread.h>

static pthread_barrier_t barrier;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

static const char* const kStart =
    "import gilscope, json, os\n"
    "trace = gilscope.trace()\n"
    "trace.__enter__()\n";
static const char* const kStop =
    "trace.__exit__(None, None, None)\n"
    "(process,) = trace.summary.processes\n"
    "print(json.dumps({\n"
    "    'gils': [list(gil.interpreters) for gil in process.gils],\n"
    "    'voluntary': [row.voluntary for row in process.threads if row.id != os.getpid()],\n"
    "}))\n";
static const char* const kWork[] = {
    "import os\nsource = os.open('/dev/zero', os.O_RDONLY)\nfor _ in range(10): os.read(source, 1)\n",
    "import os\nsource = os.open('/dev/zero', os.O_RDONLY)\nfor _ in range(1010): os.read(source, 1)\n",
};

static PyThreadState* make_interpreter(void) {
  PyThreadState* state = NULL;
#if PY_VERSION_HEX >= 0x030c0000
  const PyInterpreterConfig config = {
      .allow_threads = 1, .check_multi_interp_extensions = 1, .gil = PyInterpreterConfig_OWN_GIL};
  const PyStatus status = Py_NewInterpreterFromConfig(&state, &config);
  if (PyStatus_Exception(status)) Py_ExitStatusException(status);
#else
  state = Py_NewInterpreter();
#endif
  return state;
}

static void await_others(void) {
  PyThreadState* const state = PyEval_SaveThread();
  pthread_barrier_wait(&barrier);
  PyEval_RestoreThread(state);
}

static void* run_interpreter(void* number) {
  const size_t mine = (size_t)number;
  pthread_mutex_lock(&making);
  const PyGILState_STATE outer = PyGILState_Ensure();
  PyThreadState* const main_state = PyThreadState_Get();
  make_interpreter();
  PyThreadState* const own = PyEval_SaveThread();
  pthread_mutex_unlock(&making);
  // Without a GIL where the trace begins and ends: what each takes and releases then would be chance.
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  PyEval_RestoreThread(own);
  for (size_t turn = 0; turn < 2; ++turn) {
    if (turn != 0) await_others();
    if (turn == mine && PyRun_SimpleString(kWork[mine]) != 0) abort();
  }
  PyEval_SaveThread();
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  // One at a time: 3.12 ends no two at once.
  pthread_mutex_lock(&making);
  PyEval_RestoreThread(own);
  Py_EndInterpreter(own);
#if PY_VERSION_HEX >= 0x030c0000
  PyEval_RestoreThread(main_state);
#else
  PyThreadState_Swap(main_state);  // the GIL is one, and is still held
#endif
  PyGILState_Release(outer);
  pthread_mutex_unlock(&making);
  return NULL;
}

int main(void) {
  pthread_t threads[2];
  pthread_barrier_init(&barrier, NULL, 3);
  Py_Initialize();
  PyThreadState* const state = PyEval_SaveThread();
  for (size_t i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, run_interpreter, (void*)i);
  PyEval_RestoreThread(state);
  await_others();  // both are made
  if (PyRun_SimpleString(kStart) != 0) abort();
  await_others();  // the first one's turn
  await_others();  // the second one's
  await_others();  // over
  if (PyRun_SimpleString(kStop) != 0) abort();
  await_others();
  PyEval_SaveThread();
  for (size_t i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  PyEval_RestoreThread(state);
  return Py_FinalizeEx() == 0 ? 0 : 120;
}
