/* A worker that computes, so that the page never waits. It starts from a blob: a page from disk may start none from
   a file. */
"use strict";

const engine = (() => {
  const FILES = [
    "vendor/matrix.umd.js",
    "linear.js",
    "flat.js",
    "problem.js",
    "integrate.js",
    "riccati.js",
    "modes.js",
    "runs.js",
    "answer.js",
  ];
  const addresses = FILES.map((file) => new URL(file, document.currentScript.src).href);
  const program = `importScripts(...${JSON.stringify(addresses)})`;
  const worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
  const waiting = new Map();
  let asked = 0;

  /** Return a promise of what a function of answer.js returns. */
  function ask(name, ...given) {
    asked += 1;
    worker.postMessage([asked, name, given]);
    return new Promise((resolve) => waiting.set(asked, resolve));
  }

  worker.onmessage = ({ data: [number, result] }) => {
    waiting.get(number)(result);
    waiting.delete(number);
  };

  worker.onerror = ({ message }) => {
    document.querySelector("#explorer-status").textContent = `This browser could not compute: ${message}`;
  };

  return { ask };
})();
