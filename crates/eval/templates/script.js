"use strict";
(() => {
  const form = document.querySelector(".filters");
  if (!form) return;
  const samples = [...document.querySelectorAll(".sample")];
  const empty = document.querySelector(".empty");
  const names = ["phase", "task", "result", "claims"];
  const apply = () => {
    let shown = 0;
    for (const sample of samples) {
      const fits = names.every((name) => !form.elements[name].value || sample.dataset[name] === form.elements[name].value);
      sample.hidden = !fits;
      if (fits) shown += 1;
    }
    form.querySelector("output").textContent = `${shown} of ${samples.length} samples`;
    empty.hidden = shown > 0;
  };
  form.hidden = false;
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of form.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      for (const sample of samples) if (!sample.hidden) sample.open = Boolean(button.dataset.open);
    });
  }
  // A closed sample does not print: open what the filters show, and close it again afterwards.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = samples.filter((sample) => !sample.hidden && !sample.open);
    for (const sample of opened) sample.open = true;
  });
  addEventListener("afterprint", () => {
    for (const sample of opened) sample.open = false;
  });
  apply();
})();
